// Matrix products through the fastest library at hand. On CPU, LibTorch gives fp32 products to MKL,
// which uses half the width of an AMD processor's vector unit; oneDNN, which LibTorch carries for
// bf16, uses all of it (docs/PERFORMANCE.md), so fp32 products go there too.
#pragma once

#include <torch/torch.h>

namespace ocellus::models::ops {

// a b^T + bias: a [rows, depth], b [columns, depth], bias [columns] or undefined, all of one type.
torch::Tensor ProductTransposed(const torch::Tensor& a, const torch::Tensor& b,
                                const torch::Tensor& bias = {});

// The gradients of y = x weight^T + bias. All [rows, ...], dense, in the compute type.
torch::Tensor InputGradient(const torch::Tensor& d_y, const torch::Tensor& weight);
torch::Tensor WeightGradient(const torch::Tensor& d_y, const torch::Tensor& x);  // in fp32
torch::Tensor BiasGradient(const torch::Tensor& d_y);                            // in fp32

}  // namespace ocellus::models::ops
