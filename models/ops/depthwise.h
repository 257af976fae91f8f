// The depthwise convolution of ConvNeXt's blocks: 7 x 7, stride 1, three zeros around.
// Liu et al. 2022, arXiv:2201.03545.
#pragma once

#include <torch/torch.h>

namespace ocellus::models::ops {

//   x       [N, H, W, C]    fp32 or bf16
//   weight  [C, 1, 7, 7]    fp32
//   bias    [C]             fp32, or undefined for none
// Returns x's shape and type; computed in fp32.
torch::Tensor Depthwise7(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias);

}  // namespace ocellus::models::ops
