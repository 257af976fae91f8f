// Images to tokens: a convolution whose stride is its size, done as one product over the patches
// that are wanted.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace ocellus::models::nn {

// N images, L patches of p x p pixels, numbered row by row; K chosen ones; D width.

// The pixels of each patch in the order of a convolution's weight: channel, row, column.
//   images  [N, C, H, W]; p divides H and W
// Returns [N, L, C p p], or with `chosen` [N, K] (int64) [N, K, C p p] in that order.
torch::Tensor PatchPixels(const torch::Tensor& images, int64_t patch_size);
torch::Tensor PatchPixels(const torch::Tensor& images, int64_t patch_size,
                          const torch::Tensor& chosen);

// The pixels in the order of MAE's targets: row, column, channel. [N, L, p p C].
torch::Tensor Patchify(const torch::Tensor& images, int64_t patch_size);
// Back to [N, C, H, W] of a square image.
torch::Tensor Unpatchify(const torch::Tensor& patches, int64_t patch_size, int64_t channels);

// timm's PatchEmbed: proj.weight [D, C, p, p], proj.bias [D].
class PatchEmbed final : public torch::nn::Module {
 public:
  PatchEmbed(int64_t patch_size, int64_t channels, int64_t width);
  // pixels [N, K, C p p] of PatchPixels. Returns [N, K, D] in `compute`.
  torch::Tensor forward(const torch::Tensor& pixels, torch::ScalarType compute) const;

  torch::Tensor weight, bias;  // of proj
};

}  // namespace ocellus::models::nn
