// The plain Vision Transformer of timm, without a classifier: a class token over all patches.
// Dosovitskiy et al. 2020, arXiv:2010.11929; names as timm has them; fixed positions and initial
// values as facebookresearch/moco-v3 vits.py.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "models/nn/block.h"
#include "models/nn/conv_stem.h"
#include "models/nn/encoder.h"
#include "models/nn/patch_embed.h"

namespace ocellus::models::nn {

struct VitShape {
  int64_t image_size = 224;  // pixels of a side
  int64_t patch_size = 16;
  int64_t dim = 768, depth = 12, heads = 12;
  double mlp_ratio = 4;
  bool conv_stem = false;  // in place of the patches' projection
  bool recompute = false;  // blocks' activations in backward

  int64_t grid() const { return image_size / patch_size; }
};

// From a resolved "model.vit" section. Throws wire::Fault (user, BAD_SPEC) that names the key when
// sizes do not fit each other.
VitShape ParseVitShape(const nlohmann::json& section);

// cls_token [1, 1, D], pos_embed [1, 1 + L, D] (frozen), patch_embed.proj (a projection or a
// ConvStem), blocks, norm. The features are the class token after norm.
class Vit final : public Encoder {
 public:
  explicit Vit(const VitShape& shape);

  torch::Tensor forward(const torch::Tensor& images, const Pass& pass) const override;
  int64_t features() const override { return shape_.dim; }

  // Linear layers Xavier uniform, queries, keys and values each on their own; the patches'
  // projection the same (a stem as PyTorch does); class token normal 1e-6; biases 0; positions with
  // the row first.
  void Initialise(torch::Generator& generator) override;

  const VitShape& shape() const { return shape_; }
  // Null where there is a stem in its place.
  PatchEmbed* patch_embed() { return patch_embed_.get(); }

 private:
  torch::Tensor Patches(const torch::Tensor& images, const Pass& pass) const;

  VitShape shape_;
  torch::Tensor cls_token_, pos_embed_;
  std::shared_ptr<PatchEmbed> patch_embed_;
  std::shared_ptr<ConvStem> stem_;  // one of the two is null
  std::shared_ptr<Blocks> blocks_;
  std::shared_ptr<LayerNorm> norm_;
};

}  // namespace ocellus::models::nn
