// CLIP's parameters under open_clip's names: visual.*, the text tower beside it, logit_scale, and
// with SigLIP logit_bias. open_clip model.py CLIP.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "models/nn/clip_towers.h"

namespace ocellus::models::objectives {

struct ClipSettings {
  bool siglip = false;  // else InfoNCE
  int64_t embed_dim = 512;
  int64_t image_size = 224, patch_size = 16;  // pixels of a side
  int64_t dim = 768, depth = 12, heads = 12;  // of the image tower
  double mlp_ratio = 4;                       // of the image tower; the text tower has 4
  bool recompute = false;                     // blocks' activations, of both towers
  int64_t text_width = 512, text_heads = 8, text_layers = 12;
  int64_t vocab_size = 49408, context_length = 77;
  bool quick_gelu = false;
  double logit_scale_init = 1 / 0.07;  // the factor itself, not its logarithm
  double logit_scale_max = 100;
  double logit_bias_init = -10;
  int64_t chunk = 0;  // samples that go through the towers at a time; 0: all

  nn::ImageTowerShape image_shape() const;
  nn::TextTowerShape text_shape() const;
};

// From a resolved training document. Throws wire::Fault (user, BAD_SPEC) that names the key when
// sizes do not fit each other, or the model is no ViT.
ClipSettings ParseClipSettings(const nlohmann::json& document);

class ClipNetwork final : public torch::nn::Module {
 public:
  explicit ClipNetwork(const ClipSettings& settings);
  void Initialise(torch::Generator& generator);

  const nn::ImageTower& visual() const { return *visual_; }
  const nn::TextTower& text() const { return text_; }

  torch::Tensor logit_scale;  // a logarithm
  torch::Tensor logit_bias;   // undefined without SigLIP

 private:
  ClipSettings settings_;
  nn::TextTower text_;
  std::shared_ptr<nn::ImageTower> visual_;
};

}  // namespace ocellus::models::objectives
