// The transformer of CLIP's two towers, as open_clip names its parts: resblocks.{i}.ln_1,
// attn.in_proj_weight, attn.in_proj_bias, attn.out_proj, ln_2, mlp.c_fc, mlp.c_proj.
// Radford et al. 2021, arXiv:2103.00020; open_clip transformer.py ResidualAttentionBlock.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "models/nn/layers.h"

namespace ocellus::models::nn {

inline constexpr double kClipLayerNormEps = 1e-5;

struct ClipShape {
  int64_t width = 0;
  int64_t heads = 0;  // divides width
  int64_t layers = 0;
  int64_t hidden = 0;       // of the MLP
  bool quick_gelu = false;  // else the exact GELU
  bool causal = false;      // a token sees itself and those before it alone
  bool recompute = false;   // activations in backward, instead of keeping them
};

// x + attn(ln_1(x)), then x + mlp(ln_2(x)). `in_proj_weight` holds the rows of queries, keys and
// values, each split by heads.
class ClipBlock final : public torch::nn::Module {
 public:
  explicit ClipBlock(const ClipShape& shape);
  // The products in `compute`, the stream's sum and the statistics in fp32.
  Stream forward(Stream stream, torch::ScalarType compute) const;

  torch::Tensor in_proj_weight, in_proj_bias;
  std::shared_ptr<Linear> out_proj, c_fc, c_proj;

 private:
  ClipShape shape_;
  double scale_;
  std::shared_ptr<LayerNorm> ln_1_, ln_2_;
};

class ClipTransformer final : public torch::nn::Module {
 public:
  explicit ClipTransformer(const ClipShape& shape);
  Stream forward(Stream stream, torch::ScalarType compute) const;

  const std::vector<std::shared_ptr<ClipBlock>>& blocks() const { return blocks_; }

 private:
  bool recompute_;
  std::vector<std::shared_ptr<ClipBlock>> blocks_;
};

}  // namespace ocellus::models::nn
