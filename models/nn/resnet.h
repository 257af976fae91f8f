// Residual networks without their classifier. He et al. 2015, arXiv:1512.03385; names, order and
// initial values as torchvision's ResNet (conv1, bn1, layer1.0.conv1 ... layer1.0.downsample.0), in
// which the stride of a bottleneck sits on its 3 x 3 convolution.
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "models/nn/encoder.h"
#include "models/nn/residual_block.h"

namespace ocellus::models::nn {

struct ResNetShape {
  bool bottleneck = true;
  std::array<int64_t, 4> layers{3, 4, 6, 3};  // blocks a stage
  int64_t width = 64;        // channels of the stem; stages are 1, 2, 4, 8 times as wide
  int64_t image_size = 224;  // pixels of a side that training crops to; any size fits

  int64_t features() const { return width * 8 * (bottleneck ? 4 : 1); }
};

// From a resolved "model.resnet" section: `depth`, or `block` and `layers`; `width`, `image_size`.
// Throws wire::Fault (user, BAD_SPEC) that names the key.
ResNetShape ParseResNetShape(const nlohmann::json& section);

// The features are the last stage's, averaged over the image.
class ResNet final : public Encoder {
 public:
  explicit ResNet(const ResNetShape& shape);

  torch::Tensor forward(const torch::Tensor& images, const Pass& pass) const override;
  int64_t features() const override { return shape_.features(); }
  // The features of the first `stages` (1 to 4) alone: [N, channels of that stage].
  torch::Tensor After(int64_t stages, const torch::Tensor& images, const Pass& pass) const;

  // Kaiming normal over fan-out; BatchNorm weight 1 and bias 0, but weight 0 in the last one of
  // each residual branch, so that a block starts as the identity.
  void Initialise(torch::Generator& generator) override;

  const ResNetShape& shape() const { return shape_; }

 private:
  ResNetShape shape_;
  std::shared_ptr<Convolution> conv1_;
  std::shared_ptr<BatchNorm> bn1_;
  std::vector<std::shared_ptr<ResidualBlock>> blocks_;
};

}  // namespace ocellus::models::nn
