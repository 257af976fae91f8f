#include "models/ops/normalise_rows.h"

#include "kernels/normalise_rows.h"
#include "models/ops/launch.h"

namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct NormaliseRowsFunction : torch::autograd::Function<NormaliseRowsFunction> {
  // x [rows, width], dense.
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, double eps) {
    const auto options = x.options().dtype(torch::kFloat32);
    const torch::Tensor y = torch::empty(x.sizes(), options);
    const torch::Tensor length = torch::empty({x.size(0)}, options);
    const kernels::NormaliseRowsForwardArgs args{.rows = x.size(0),
                                                 .width = x.size(1),
                                                 .eps = static_cast<float>(eps),
                                                 .x = x.data_ptr(),
                                                 .type = ElementOf(x),
                                                 .y = Floats(y),
                                                 .length = Floats(length)};
    OCELLUS_LAUNCH(NormaliseRowsForward, x, args);
    context->save_for_backward({y, length});
    context->saved_data["eps"] = eps;
    context->saved_data["type"] = static_cast<int64_t>(x.scalar_type());
    return y;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const torch::Tensor &y = saved[0], d_y = gradients[0].contiguous();
    const auto type = static_cast<torch::ScalarType>(context->saved_data["type"].toInt());
    const torch::Tensor d_x = torch::empty(y.sizes(), y.options().dtype(type));
    const kernels::NormaliseRowsBackwardArgs args{
        .rows = y.size(0),
        .width = y.size(1),
        .eps = static_cast<float>(context->saved_data["eps"].toDouble()),
        .y = Floats(y),
        .length = Floats(saved[1]),
        .d_y = Floats(d_y),
        .d_x = d_x.data_ptr(),
        .type = ElementOf(type)};
    OCELLUS_LAUNCH(NormaliseRowsBackward, y, args);
    return {d_x, torch::Tensor()};
  }
};

}  // namespace

torch::Tensor NormaliseRows(const torch::Tensor& x, double eps) {
  const auto type = x.scalar_type();
  if (UseKernels() && (type == torch::kFloat32 || type == torch::kBFloat16) && x.size(-1) > 0) {
    return NormaliseRowsFunction::apply(AsRows(x), eps).view(x.sizes());
  }
  const torch::Tensor values = x.to(torch::kFloat32);
  return values / values.norm(2, {-1}, /*keepdim=*/true).clamp_min(eps);
}

}  // namespace ocellus::models::ops
