#include "models/nn/patch_embed.h"

#include <cmath>

#include "models/nn/module_group.h"
#include "models/ops/linear.h"
#include "models/ops/patch_pixels.h"

namespace ocellus::models::nn {
namespace {

// [N, C, H, W] to [N, row, p, column, p, C ...]: the view that all orders start from.
torch::Tensor Grid(const torch::Tensor& images, int64_t patch_size) {
  const int64_t rows = images.size(2) / patch_size, columns = images.size(3) / patch_size;
  return images.view({images.size(0), images.size(1), rows, patch_size, columns, patch_size});
}

}  // namespace

torch::Tensor PatchPixels(const torch::Tensor& images, int64_t patch_size) {
  return ops::PatchPixels(images, patch_size);
}

torch::Tensor PatchPixels(const torch::Tensor& images, int64_t patch_size,
                          const torch::Tensor& chosen) {
  return ops::PatchPixels(images, patch_size, chosen);
}

torch::Tensor Patchify(const torch::Tensor& images, int64_t patch_size) {
  return Grid(images, patch_size).permute({0, 2, 4, 3, 5, 1}).flatten(1, 2).flatten(2);
}

torch::Tensor Unpatchify(const torch::Tensor& patches, int64_t patch_size, int64_t channels) {
  const int64_t grid = std::llround(std::sqrt(static_cast<double>(patches.size(1))));
  return patches.view({patches.size(0), grid, grid, patch_size, patch_size, channels})
      .permute({0, 5, 1, 3, 2, 4})
      .reshape({patches.size(0), channels, grid * patch_size, grid * patch_size});
}

PatchEmbed::PatchEmbed(int64_t patch_size, int64_t channels, int64_t width) {
  const auto proj = register_module("proj", std::make_shared<ModuleGroup>());
  weight =
      proj->register_parameter("weight", torch::zeros({width, channels, patch_size, patch_size}));
  bias = proj->register_parameter("bias", torch::zeros({width}));
}

torch::Tensor PatchEmbed::forward(const torch::Tensor& pixels, torch::ScalarType compute) const {
  return ops::Linear(pixels, weight.flatten(1), bias, compute);
}

}  // namespace ocellus::models::nn
