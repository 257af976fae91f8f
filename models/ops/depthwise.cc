#include "models/ops/depthwise.h"

#include "kernels/depthwise.h"
#include "models/ops/flops.h"
#include "models/ops/launch.h"

namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

kernels::DepthwiseShape ShapeOf(const torch::Tensor& x) {
  return {.images = x.size(0),
          .height = x.size(1),
          .width = x.size(2),
          .channels = x.size(3),
          .type = ElementOf(x)};
}

// `taps` [49, C].
torch::Tensor Convolve(const torch::Tensor& x, const torch::Tensor& taps,
                       const torch::Tensor& bias) {
  const torch::Tensor y = torch::empty_like(x);
  const kernels::DepthwiseArgs args{.shape = ShapeOf(x),
                                    .x = x.data_ptr(),
                                    .weight = Floats(taps),
                                    .bias = Floats(bias),
                                    .y = y.data_ptr()};
  OCELLUS_LAUNCH(Depthwise, x, args);
  return y;
}

struct DepthwiseFunction : torch::autograd::Function<DepthwiseFunction> {
  // x dense.
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight,
                               const std::optional<torch::Tensor>& bias) {
    const torch::Tensor taps = weight.view({-1, kernels::kTaps}).t().contiguous();
    context->save_for_backward({x, taps});
    context->saved_data["has_bias"] = bias.has_value();
    return Convolve(x, taps, bias ? bias->contiguous() : torch::Tensor());
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &taps = saved[1], d_y = gradients[0].contiguous();
    const torch::Tensor d_taps = torch::empty_like(taps);
    const torch::Tensor d_bias = torch::empty({taps.size(1)}, taps.options());
    const torch::Tensor scratch =
        torch::empty({kernels::DepthwiseScratch(ShapeOf(x))}, taps.options());
    const kernels::DepthwiseWeightGradientArgs args{.shape = ShapeOf(x),
                                                    .x = x.data_ptr(),
                                                    .d_y = d_y.data_ptr(),
                                                    .d_weight = Floats(d_taps),
                                                    .d_bias = Floats(d_bias),
                                                    .scratch = Floats(scratch)};
    OCELLUS_LAUNCH(DepthwiseWeightGradient, x, args);
    tensor_list out(3);
    if (context->needs_input_grad(0)) out[0] = Convolve(d_y, taps.flip(0), {});
    constexpr int64_t kAcross = kernels::kTapsAcross;
    out[1] = d_taps.t().contiguous().view({taps.size(1), 1, kAcross, kAcross});
    if (context->saved_data["has_bias"].toBool()) out[2] = d_bias;
    return out;
  }
};

}  // namespace

torch::Tensor Depthwise7(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias) {
  CountProduct(static_cast<double>(x.numel()) * kernels::kTaps, x, weight);
  if (UseKernels() && weight.scalar_type() == torch::kFloat32 && x.numel() > 0) {
    return DepthwiseFunction::apply(x.contiguous(), weight.contiguous(), IfDefined(bias));
  }
  const auto type = x.scalar_type();
  return at::conv2d(x.permute({0, 3, 1, 2}), weight.to(type), bias.defined() ? bias.to(type) : bias,
                    1, kernels::kTapsAcross / 2, 1, x.size(3))
      .permute({0, 2, 3, 1});
}

}  // namespace ocellus::models::ops
