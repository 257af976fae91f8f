#include "models/ops/response_norm.h"

#include "kernels/response_norm.h"
#include "models/ops/launch.h"

namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

kernels::ResponseShape ShapeOf(const torch::Tensor& x, double eps) {
  return {.images = x.size(0),
          .positions = x.size(1) * x.size(2),
          .channels = x.size(3),
          .eps = static_cast<float>(eps),
          .type = ElementOf(x)};
}

struct ResponseNormFunction : torch::autograd::Function<ResponseNormFunction> {
  // All dense.
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& gamma, const torch::Tensor& beta, double eps) {
    const auto options = x.options().dtype(torch::kFloat32);
    const torch::Tensor y = torch::empty_like(x);
    const torch::Tensor length = torch::empty({x.size(0), x.size(3)}, options);
    const torch::Tensor mean = torch::empty({x.size(0)}, options);
    const kernels::ResponseNormForwardArgs args{.shape = ShapeOf(x, eps),
                                                .x = x.data_ptr(),
                                                .gamma = Floats(gamma),
                                                .beta = Floats(beta),
                                                .y = y.data_ptr(),
                                                .length = Floats(length),
                                                .mean = Floats(mean)};
    OCELLUS_LAUNCH(ResponseNormForward, x, args);
    context->save_for_backward({x, gamma, length, mean});
    context->saved_data["eps"] = eps;
    return y;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &gamma = saved[1], d_y = gradients[0].contiguous();
    const torch::Tensor d_x = torch::empty_like(x), d_gamma = torch::empty_like(gamma);
    const torch::Tensor d_beta = torch::empty_like(gamma);
    const torch::Tensor scratch =
        torch::empty({kernels::ResponseNormScratch(x.size(0), x.size(3))}, gamma.options());
    const kernels::ResponseNormBackwardArgs args{
        .shape = ShapeOf(x, context->saved_data["eps"].toDouble()),
        .x = x.data_ptr(),
        .gamma = Floats(gamma),
        .length = Floats(saved[2]),
        .mean = Floats(saved[3]),
        .d_y = d_y.data_ptr(),
        .d_x = d_x.data_ptr(),
        .d_gamma = Floats(d_gamma),
        .d_beta = Floats(d_beta),
        .scratch = Floats(scratch)};
    OCELLUS_LAUNCH(ResponseNormBackward, x, args);
    return {d_x, d_gamma, d_beta, torch::Tensor()};
  }
};

}  // namespace

torch::Tensor ResponseNorm(const torch::Tensor& x, const torch::Tensor& gamma,
                           const torch::Tensor& beta, double eps) {
  if (UseKernels() && gamma.scalar_type() == torch::kFloat32 && x.numel() > 0) {
    return ResponseNormFunction::apply(x.contiguous(), gamma.contiguous(), beta.contiguous(), eps);
  }
  const torch::Tensor values = x.to(gamma.scalar_type());
  const torch::Tensor length = values.norm(2, {1, 2}, /*keepdim=*/true);
  const torch::Tensor response = length / (length.mean({3}, /*keepdim=*/true) + eps);
  return (gamma * (values * response) + beta + values).to(x.scalar_type());
}

}  // namespace ocellus::models::ops
