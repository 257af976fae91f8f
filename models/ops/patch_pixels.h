// The pixels of patches, in the order of a convolution's weight.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace ocellus::models::ops {

// Patches of patch x patch pixels, numbered row by row; a patch's numbers are ordered channel, row,
// column.
//   images  [N, C, H, W]; patch divides H and W
//   chosen  [N, K] int64: which patches, in which order; undefined: all of them
// Returns [N, K, C patch patch] in the images' type. Of images of fp32 that want no gradient, only
// the chosen patches are read.
torch::Tensor PatchPixels(const torch::Tensor& images, int64_t patch,
                          const torch::Tensor& chosen = {});

}  // namespace ocellus::models::ops
