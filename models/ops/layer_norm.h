// Residual addition and LayerNorm in one pass: the step between two branches of a pre-norm block.
#pragma once

#include <torch/torch.h>

#include <utility>

namespace ocellus::models::ops {

// s = residual + branch in fp32; h = (s - mean(s)) / sqrt(var(s) + eps) * weight + bias over the
// last dimension (biased variance), computed in fp32.
//   residual  [..., D]   fp32
//   branch    [..., D]   any floating type, or undefined: then s is residual itself
//   weight    [D], bias [D]   fp32
//   out       the type of h: fp32 or bf16
// Returns (s in fp32, h in `out`).
std::pair<torch::Tensor, torch::Tensor> AddLayerNorm(const torch::Tensor& residual,
                                                     const torch::Tensor& branch,
                                                     const torch::Tensor& weight,
                                                     const torch::Tensor& bias, double eps,
                                                     torch::ScalarType out);

}  // namespace ocellus::models::ops
