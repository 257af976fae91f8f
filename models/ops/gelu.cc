#include "models/ops/gelu.h"

#include "kernels/gelu.h"
#include "models/ops/flops.h"
#include "models/ops/launch.h"
#include "models/ops/linear.h"
#include "models/ops/linear_product.h"

namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

torch::Tensor Gelu(const torch::Tensor& z) {
  kernels::GeluForwardArgs args;
  args.rows = z.size(0);
  args.width = z.size(1);
  args.type = ElementOf(z);
  args.z = z.data_ptr();
  torch::Tensor y = torch::empty_like(z);
  args.y = y.data_ptr();
  OCELLUS_LAUNCH(GeluForward, z, args);
  return y;
}

struct GeluGradient {
  torch::Tensor d_z;
  torch::Tensor d_bias;
};

GeluGradient BackwardGelu(const torch::Tensor& z, const torch::Tensor& d_y) {
  kernels::GeluBackwardArgs args;
  args.rows = z.size(0);
  args.width = z.size(1);
  args.type = ElementOf(z);
  args.z = z.data_ptr();
  args.d_y = d_y.data_ptr();
  GeluGradient out;
  out.d_z = torch::empty_like(z);
  out.d_bias = torch::empty({args.width}, z.options().dtype(torch::kFloat32));
  torch::Tensor scratch =
      torch::empty({kernels::GeluScratch(args.rows, args.width)}, out.d_bias.options());
  args.d_z = out.d_z.data_ptr();
  args.d_bias = Floats(out.d_bias);
  args.scratch = Floats(scratch);
  OCELLUS_LAUNCH(GeluBackward, z, args);
  return out;
}

struct LinearGeluFunction : torch::autograd::Function<LinearGeluFunction> {
  // x [rows, in] in the compute type.
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight,
                               const std::optional<torch::Tensor>& bias) {
    const torch::Tensor operand = WeightOperand(weight, x.scalar_type());
    const torch::Tensor z = LinearProduct(x, operand, bias.value_or(torch::Tensor()));
    context->saved_data["has_bias"] = bias.has_value();
    context->save_for_backward({x, operand, z});
    return Gelu(z);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const GeluGradient gradient = BackwardGelu(saved[2], gradients[0].contiguous());
    tensor_list out(3);
    if (context->needs_input_grad(0)) out[0] = LinearInputGradient(gradient.d_z, saved[1]);
    if (context->needs_input_grad(1)) out[1] = LinearWeightGradient(gradient.d_z, saved[0]);
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2))
      out[2] = gradient.d_bias;
    return out;
  }
};

}  // namespace

torch::Tensor LinearGelu(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, torch::ScalarType compute) {
  if (!UseKernels()) return torch::gelu(Linear(x, weight, bias, compute));
  CountProduct(static_cast<double>(x.numel()) * weight.size(0), x, weight);
  torch::Tensor y = LinearGeluFunction::apply(AsRows(x.to(compute)), weight, IfDefined(bias));
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = weight.size(0);
  return y.view(shape);
}

}  // namespace ocellus::models::ops
