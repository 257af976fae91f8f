// A linear layer in the compute type, over fp32 master weights.
#pragma once

#include <torch/torch.h>

namespace ocellus::models::ops {

// y = x weight^T + bias, with the product in `compute` (fp32 or bf16) and y in `compute`.
//   x       [..., in]     fp32 or bf16
//   weight  [out, in]     fp32 master weight; its gradient comes back in fp32
//   bias    [out]         fp32, or undefined for none
// Returns [..., out].
torch::Tensor Linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                     torch::ScalarType compute);

}  // namespace ocellus::models::ops
