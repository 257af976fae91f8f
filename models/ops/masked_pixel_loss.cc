#include "models/ops/masked_pixel_loss.h"

namespace ocellus::models::ops {
namespace {

torch::Tensor Patchify(const torch::Tensor& images, int64_t patch) {
  const int64_t batch = images.size(0), channels = images.size(1);
  const int64_t rows = images.size(2) / patch, columns = images.size(3) / patch;
  return images.view({batch, channels, rows, patch, columns, patch})
      .permute({0, 2, 4, 3, 5, 1})
      .reshape({batch, rows * columns, patch * patch * channels});
}

}  // namespace

torch::Tensor MaskedPixelLoss(const torch::Tensor& pred, const torch::Tensor& images,
                              const torch::Tensor& mask, int64_t patch, bool normalise) {
  torch::Tensor target = Patchify(images.detach(), patch);
  if (normalise) {
    auto [variance, mean] = torch::var_mean(target, {-1}, /*unbiased=*/true, /*keepdim=*/true);
    target = (target - mean) / (variance + 1e-6).sqrt();
  }
  torch::Tensor error = (pred.to(torch::kFloat32) - target).square().mean(-1);
  return (error * mask).sum() / mask.sum();
}

}  // namespace ocellus::models::ops
