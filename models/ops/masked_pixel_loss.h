// The MAE loss: mean squared error of predicted pixels over the masked patches.
// He et al. 2021, section 3 and "normalised pixels"; facebookresearch/mae models_mae.py
// forward_loss.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace ocellus::models::ops {

// sum over patches of mask * mean over the patch of (pred - target)^2, divided by sum(mask).
//   pred    [N, L, P]     fp32 or bf16; P = patch * patch * C, elements ordered row, column,
//   channel images  [N, C, H, W]  fp32; L = (H / patch) * (W / patch), row by row mask    [N, L]
//   fp32, 1 where the patch was hidden; at least one must be normalise  target patches get zero
//   mean and unit variance:
//              (t - mean) / sqrt(var + 1e-6), var with P - 1 in the denominator
// Returns a scalar in fp32. Gradient goes to pred alone.
torch::Tensor MaskedPixelLoss(const torch::Tensor& pred, const torch::Tensor& images,
                              const torch::Tensor& mask, int64_t patch, bool normalise);

}  // namespace ocellus::models::ops
