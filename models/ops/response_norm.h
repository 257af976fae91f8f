// Global response normalisation, which ConvNeXt V2 has in its blocks.
// Woo et al. 2023, arXiv:2301.00808, section 3.3; facebookresearch/ConvNeXt-V2 utils.py GRN.
#pragma once

#include <torch/torch.h>

namespace ocellus::models::ops {

// gamma x R + beta + x, with R = G / (mean over channels of G + eps) and G the length of an image's
// channel over space; computed in fp32, image by image.
//   x      [N, H, W, C]   fp32 or bf16
//   gamma  [C], beta [C]  fp32
// Returns x's shape and type.
torch::Tensor ResponseNorm(const torch::Tensor& x, const torch::Tensor& gamma,
                           const torch::Tensor& beta, double eps = 1e-6);

}  // namespace ocellus::models::ops
