#include "models/nn/block.h"

#include <cmath>

#include "models/nn/module_group.h"
#include "models/nn/recompute.h"
#include "models/ops/attention.h"
#include "models/ops/gelu.h"

namespace ocellus::models::nn {

Block::Block(const BlockShape& shape)
    : heads_(shape.heads), scale_(1.0 / std::sqrt(static_cast<double>(shape.width / shape.heads))) {
  norm1_ = register_module("norm1", std::make_shared<LayerNorm>(shape.width, shape.eps));
  const auto attn = register_module("attn", std::make_shared<ModuleGroup>());
  qkv_ = attn->register_module("qkv", std::make_shared<Linear>(shape.width, 3 * shape.width));
  proj_ = attn->register_module("proj", std::make_shared<Linear>(shape.width, shape.width));
  norm2_ = register_module("norm2", std::make_shared<LayerNorm>(shape.width, shape.eps));
  const auto mlp = register_module("mlp", std::make_shared<ModuleGroup>());
  fc1_ = mlp->register_module("fc1", std::make_shared<Linear>(shape.width, shape.hidden));
  fc2_ = mlp->register_module("fc2", std::make_shared<Linear>(shape.hidden, shape.width));
}

Stream Block::forward(Stream stream, torch::ScalarType compute) const {
  torch::Tensor tokens = Normalise(stream, *norm1_, compute);
  tokens = ops::Attention(qkv_->forward(tokens, compute), heads_, scale_);
  stream.branch = proj_->forward(tokens, compute);

  tokens = Normalise(stream, *norm2_, compute);
  tokens = ops::LinearGelu(tokens, fc1_->weight, fc1_->bias, compute);
  stream.branch = fc2_->forward(tokens, compute);
  return stream;
}

Blocks::Blocks(int64_t depth, const BlockShape& shape) : recompute_(shape.recompute) {
  for (int64_t i = 0; i < depth; ++i) {
    blocks_.push_back(register_module(std::to_string(i), std::make_shared<Block>(shape)));
  }
}

Stream Blocks::forward(Stream stream, torch::ScalarType compute) const {
  for (const auto& block : blocks_) {
    stream = recompute_ ? Recomputed(*block, stream, compute)
                        : block->forward(std::move(stream), compute);
  }
  return stream;
}

}  // namespace ocellus::models::nn
