#include "models/ops/gather.h"

namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct GatherFunction : torch::autograd::Function<GatherFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& tensor,
                               Collectives* collectives) {
    context->saved_data["collectives"] = reinterpret_cast<int64_t>(collectives);
    context->saved_data["rows"] = tensor.size(0);
    return collectives->all_gather(tensor.contiguous());
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    auto* collectives = reinterpret_cast<Collectives*>(context->saved_data["collectives"].toInt());
    const int64_t rows = context->saved_data["rows"].toInt();
    torch::Tensor sum = gradients[0].contiguous().clone();
    collectives->all_reduce_sum(sum);
    return {sum.narrow(0, collectives->rank() * rows, rows), torch::Tensor()};
  }
};

}  // namespace

torch::Tensor AllGather(const torch::Tensor& tensor, Collectives& collectives) {
  return collectives.world() == 1 ? tensor : GatherFunction::apply(tensor, &collectives);
}

}  // namespace ocellus::models::ops
