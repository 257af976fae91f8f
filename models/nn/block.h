// The transformer block of timm's VisionTransformer: x + attn(norm1(x)), then x + mlp(norm2(x)).
// Dosovitskiy et al. 2020; names as timm has them (norm1, attn.qkv, attn.proj, norm2, mlp.fc1,
// mlp.fc2).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/nn/layers.h"

namespace ocellus::models::nn {

struct BlockShape {
  int64_t width = 0;
  int64_t heads = 0;   // divides width
  int64_t hidden = 0;  // of the MLP
  double eps = 1e-6;
  bool recompute = false;  // activations in backward, instead of keeping them
};

// `qkv` is one layer whose rows are queries, keys, values, each split by heads; the scale of the
// scores is (width / heads)^-0.5; GELU is the exact one. No dropout.
class Block final : public torch::nn::Module {
 public:
  explicit Block(const BlockShape& shape);
  // The products in `compute`, the stream's sum and the statistics in fp32.
  Stream forward(Stream stream, torch::ScalarType compute) const;

 private:
  int64_t heads_;
  double scale_;
  std::shared_ptr<LayerNorm> norm1_, norm2_;
  std::shared_ptr<Linear> qkv_, proj_, fc1_, fc2_;
};

// `depth` blocks, one after the other, under the names 0, 1, ...
class Blocks final : public torch::nn::Module {
 public:
  Blocks(int64_t depth, const BlockShape& shape);
  Stream forward(Stream stream, torch::ScalarType compute) const;

 private:
  bool recompute_;
  std::vector<std::shared_ptr<Block>> blocks_;
};

}  // namespace ocellus::models::nn
