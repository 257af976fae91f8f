#include "models/nn/clip_transformer.h"

#include <cmath>
#include <string>

#include "models/nn/module_group.h"
#include "models/nn/recompute.h"
#include "models/ops/attention.h"
#include "models/ops/gelu.h"
#include "models/ops/linear.h"
#include "models/ops/quick_gelu.h"

namespace ocellus::models::nn {

ClipBlock::ClipBlock(const ClipShape& shape)
    : shape_(shape), scale_(1.0 / std::sqrt(static_cast<double>(shape.width / shape.heads))) {
  const int64_t width = shape.width;
  ln_1_ = register_module("ln_1", std::make_shared<LayerNorm>(width, kClipLayerNormEps));
  const auto attn = register_module("attn", std::make_shared<ModuleGroup>());
  in_proj_weight = attn->register_parameter("in_proj_weight", torch::zeros({3 * width, width}));
  in_proj_bias = attn->register_parameter("in_proj_bias", torch::zeros({3 * width}));
  out_proj = attn->register_module("out_proj", std::make_shared<Linear>(width, width));
  ln_2_ = register_module("ln_2", std::make_shared<LayerNorm>(width, kClipLayerNormEps));
  const auto mlp = register_module("mlp", std::make_shared<ModuleGroup>());
  c_fc = mlp->register_module("c_fc", std::make_shared<Linear>(width, shape.hidden));
  c_proj = mlp->register_module("c_proj", std::make_shared<Linear>(shape.hidden, width));
}

Stream ClipBlock::forward(Stream stream, torch::ScalarType compute) const {
  torch::Tensor tokens = Normalise(stream, *ln_1_, compute);
  const torch::Tensor qkv = ops::Linear(tokens, in_proj_weight, in_proj_bias, compute);
  tokens = ops::Attention(qkv, shape_.heads, scale_, shape_.causal);
  stream.branch = out_proj->forward(tokens, compute);

  tokens = Normalise(stream, *ln_2_, compute);
  tokens = shape_.quick_gelu ? ops::QuickGelu(c_fc->forward(tokens, compute))
                             : ops::LinearGelu(tokens, c_fc->weight, c_fc->bias, compute);
  stream.branch = c_proj->forward(tokens, compute);
  return stream;
}

ClipTransformer::ClipTransformer(const ClipShape& shape) : recompute_(shape.recompute) {
  const auto resblocks = register_module("resblocks", std::make_shared<ModuleGroup>());
  for (int64_t i = 0; i < shape.layers; ++i) {
    blocks_.push_back(
        resblocks->register_module(std::to_string(i), std::make_shared<ClipBlock>(shape)));
  }
}

Stream ClipTransformer::forward(Stream stream, torch::ScalarType compute) const {
  for (const auto& block : blocks_) {
    stream = recompute_ ? Recomputed(*block, stream, compute)
                        : block->forward(std::move(stream), compute);
  }
  return stream;
}

}  // namespace ocellus::models::nn
