// The three products of a linear layer. On a processor that has dot products of bf16 they are
// kernels (kernels/linear.h), which take the weights in fp32; otherwise matrix_product.h's.
#pragma once

#include <torch/torch.h>

namespace ocellus::models::ops {

// The weights [out, in] as the products below take them, beside inputs of type `compute` on their
// device: themselves for a kernel, else cast. To be kept for backward.
torch::Tensor WeightOperand(const torch::Tensor& weight, torch::ScalarType compute);

// y = x weight^T + bias. x [rows, in] dense, in the compute type; bias [out] or undefined.
torch::Tensor LinearProduct(const torch::Tensor& x, const torch::Tensor& operand,
                            const torch::Tensor& bias);

// d_y [rows, out] dense, in the compute type.
torch::Tensor LinearInputGradient(const torch::Tensor& d_y, const torch::Tensor& operand);
torch::Tensor LinearWeightGradient(const torch::Tensor& d_y, const torch::Tensor& x);  // in fp32

}  // namespace ocellus::models::ops
