#include "models/ops/linear.h"

#include "models/ops/flops.h"
#include "models/ops/launch.h"
#include "models/ops/linear_product.h"
#include "models/ops/matrix_product.h"

namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  // x [rows, in] in the compute type.
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight,
                               const std::optional<torch::Tensor>& bias) {
    const torch::Tensor operand = WeightOperand(weight, x.scalar_type());
    context->saved_data["has_bias"] = bias.has_value();
    context->save_for_backward({x, operand});
    return LinearProduct(x, operand, bias.value_or(torch::Tensor()));
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const torch::Tensor d_y = gradients[0].contiguous();
    tensor_list out(3);
    if (context->needs_input_grad(0)) out[0] = LinearInputGradient(d_y, saved[1]);
    if (context->needs_input_grad(1)) out[1] = LinearWeightGradient(d_y, saved[0]);
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2))
      out[2] = BiasGradient(d_y);
    return out;
  }
};

}  // namespace

torch::Tensor Linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                     torch::ScalarType compute) {
  CountProduct(static_cast<double>(x.numel()) * weight.size(0), x, weight);
  torch::Tensor y = LinearFunction::apply(AsRows(x.to(compute)), weight, IfDefined(bias));
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = weight.size(0);
  return y.view(shape);
}

}  // namespace ocellus::models::ops
