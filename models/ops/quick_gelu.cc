#include "models/ops/quick_gelu.h"

namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr double kSlope = 1.702;

struct QuickGeluFunction : torch::autograd::Function<QuickGeluFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& z) {
    context->save_for_backward({z});
    const torch::Tensor wide = z.to(torch::kFloat32);
    return (wide * (wide * kSlope).sigmoid_()).to(z.scalar_type());
  }

  // d/dz z s = s + z 1.702 s (1 - s).
  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const torch::Tensor z = context->get_saved_variables()[0];
    const torch::Tensor wide = z.to(torch::kFloat32);
    const torch::Tensor gate = (wide * kSlope).sigmoid_();
    const torch::Tensor slope = gate + wide * kSlope * gate * (1.0 - gate);
    return {(gradients[0].to(torch::kFloat32) * slope).to(z.scalar_type())};
  }
};

}  // namespace

torch::Tensor QuickGelu(const torch::Tensor& z) { return QuickGeluFunction::apply(z); }

}  // namespace ocellus::models::ops
