#include "models/ops/linear_product.h"

#include "kernels/linear.h"
#include "models/ops/launch.h"
#include "models/ops/matrix_product.h"

namespace ocellus::models::ops {
namespace {

using kernels::LinearShape;

LinearShape ShapeOf(const torch::Tensor& x, const torch::Tensor& weight) {
  return {.rows = x.size(0), .in = weight.size(1), .out = weight.size(0)};
}

bool FitsKernel(const LinearShape& shape, const torch::Tensor& operand, torch::ScalarType compute) {
  return UseKernels() && kernels::cpu::LinearIsFast() && operand.is_cpu() &&
         operand.is_contiguous() && compute == torch::kBFloat16 && shape.Fits();
}

const kernels::BFloat16* Halves(const torch::Tensor& tensor) {
  return static_cast<const kernels::BFloat16*>(tensor.const_data_ptr());
}

kernels::BFloat16* HalvesOf(torch::Tensor& tensor) {
  return static_cast<kernels::BFloat16*>(tensor.data_ptr());
}

torch::Tensor FloatsBeside(const torch::Tensor& tensor, at::IntArrayRef shape) {
  return torch::empty(shape, tensor.options().dtype(torch::kFloat32));
}

// Whether the operand is the weights themselves beside rows of bf16.
bool IsForKernel(const torch::Tensor& rows, const torch::Tensor& operand) {
  return rows.scalar_type() != operand.scalar_type();
}

}  // namespace

torch::Tensor WeightOperand(const torch::Tensor& weight, torch::ScalarType compute) {
  const bool stays = weight.scalar_type() == torch::kFloat32 &&
                     FitsKernel({1, weight.size(1), weight.size(0)}, weight, compute);
  return stays ? weight : weight.to(compute);
}

torch::Tensor LinearProduct(const torch::Tensor& x, const torch::Tensor& operand,
                            const torch::Tensor& bias) {
  if (!IsForKernel(x, operand)) {
    return ProductTransposed(x, operand, bias.defined() ? bias.to(x.scalar_type()) : bias);
  }
  const LinearShape shape = ShapeOf(x, operand);
  torch::Tensor y = torch::empty({shape.rows, shape.out}, x.options());
  const torch::Tensor scratch = FloatsBeside(x, {kernels::LinearScratch(shape)});
  const torch::Tensor floats =
      bias.defined() ? bias.to(torch::kFloat32).contiguous() : torch::Tensor();
  if (shape.rows > 0) {
    kernels::cpu::LinearForward({.shape = shape,
                                 .x = Halves(x),
                                 .weight = Floats(operand),
                                 .bias = Floats(floats),
                                 .y = HalvesOf(y),
                                 .scratch = Floats(scratch)},
                                Parallel);
  }
  return y;
}

torch::Tensor LinearInputGradient(const torch::Tensor& d_y, const torch::Tensor& operand) {
  if (!IsForKernel(d_y, operand)) return InputGradient(d_y, operand);
  const LinearShape shape = ShapeOf(d_y, operand);
  torch::Tensor d_x = torch::empty({shape.rows, shape.in}, d_y.options());
  const torch::Tensor scratch = FloatsBeside(d_y, {kernels::LinearScratch(shape)});
  if (shape.rows > 0) {
    kernels::cpu::LinearInputGradient({.shape = shape,
                                       .d_y = Halves(d_y),
                                       .weight = Floats(operand),
                                       .d_x = HalvesOf(d_x),
                                       .scratch = Floats(scratch)},
                                      Parallel);
  }
  return d_x;
}

torch::Tensor LinearWeightGradient(const torch::Tensor& d_y, const torch::Tensor& x) {
  const LinearShape shape{.rows = x.size(0), .in = x.size(1), .out = d_y.size(1)};
  if (!FitsKernel(shape, x, x.scalar_type())) return WeightGradient(d_y, x);
  const torch::Tensor d_weight = FloatsBeside(x, {shape.out, shape.in});
  const torch::Tensor scratch = FloatsBeside(x, {kernels::LinearWeightScratch(shape)});
  kernels::cpu::LinearWeightGradient({.shape = shape,
                                      .x = Halves(x),
                                      .d_y = Halves(d_y),
                                      .d_weight = Floats(d_weight),
                                      .scratch = Floats(scratch)},
                                     Parallel);
  return d_weight;
}

}  // namespace ocellus::models::ops
