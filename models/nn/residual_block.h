// The parts of a residual network. He et al. 2015, arXiv:1512.03385; names as torchvision's
// BasicBlock and Bottleneck.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "models/nn/batch_norm.h"

namespace ocellus::models::nn {

// A convolution without bias that halves the size at stride 2 and keeps it at stride 1. weight
// [out, in, k, k], zero until initialised or loaded; k is odd.
class Convolution final : public torch::nn::Module {
 public:
  Convolution(int64_t in, int64_t out, int64_t kernel, int64_t stride);
  // x [N, in, H, W] of any floating type. Returns [N, out, H', W'] in `compute`.
  torch::Tensor forward(const torch::Tensor& x, torch::ScalarType compute) const;

  torch::Tensor weight;

 private:
  int64_t stride_;
};

struct ResidualBlockShape {
  int64_t in = 0;
  int64_t width = 0;   // of the inner convolutions
  int64_t stride = 1;  // of the 3 x 3 convolution (of the first one in a basic block)
  bool bottleneck = true;

  int64_t out() const { return bottleneck ? 4 * width : width; }
};

// relu(x + branch(x)): conv1, bn1, relu, conv2, bn2 (basic), and relu, conv3, bn3 (bottleneck). x
// goes through `downsample` (0 a 1 x 1 convolution, 1 a BatchNorm) where shapes differ.
class ResidualBlock final : public torch::nn::Module {
 public:
  explicit ResidualBlock(const ResidualBlockShape& shape);
  torch::Tensor forward(const torch::Tensor& x, const Pass& pass) const;

  // The BatchNorm at the end of the branch.
  BatchNorm& last_norm() const { return *norms_.back(); }

 private:
  std::vector<std::shared_ptr<Convolution>> convolutions_;
  std::vector<std::shared_ptr<BatchNorm>> norms_;
  std::shared_ptr<Convolution> shortcut_;  // null: x itself
  std::shared_ptr<BatchNorm> shortcut_norm_;
};

}  // namespace ocellus::models::nn
