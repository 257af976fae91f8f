// The networks of MAE: a ViT over the visible patches, and a small decoder that paints the hidden
// ones. He et al. 2021, arXiv:2111.06377; names and order as facebookresearch/mae models_mae.py
// MaskedAutoencoderViT.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "models/nn/block.h"
#include "models/nn/patch_embed.h"
#include "models/nn/token_shuffle.h"

namespace ocellus::models::objectives {

enum class MaeFeatures { kToken, kMean, kMax };  // of the patches after `norm`

struct MaeSettings {
  double mask_ratio = 0.75;
  bool norm_pix_loss = true;
  int64_t image_size = 224;  // pixels of a side
  int64_t patch_size = 16;
  int64_t dim = 768, depth = 12, heads = 12;
  int64_t decoder_dim = 512, decoder_depth = 8, decoder_heads = 16;
  double mlp_ratio = 4;    // of both
  bool recompute = false;  // blocks' activations, of both
  MaeFeatures features = MaeFeatures::kToken;

  int64_t grid() const { return image_size / patch_size; }
  int64_t patches() const { return grid() * grid(); }
  int64_t patch_values() const { return patch_size * patch_size * 3; }
};

// From a resolved training document. Throws wire::Fault (user, BAD_SPEC) that names the key when
// sizes do not fit each other.
MaeSettings ParseMaeSettings(const nlohmann::json& document);

// N images, L patches, K of them visible, D and E the widths of encoder and decoder.
// Products are in `compute`; the residual streams, statistics and softmax in fp32.
class MaeNetwork final : public torch::nn::Module {
 public:
  explicit MaeNetwork(const MaeSettings& settings);

  // Draws the initial values, in the order of the official code. `pos_embed` and
  // `decoder_pos_embed` get their tables.
  void Initialise(torch::Generator& generator);

  // The class token and the patches `kept` [N, K] of images [N, 3, H, W], after `norm`.
  // Returns [N, 1 + K, D] in `compute`.
  torch::Tensor Encode(const torch::Tensor& images, const torch::Tensor& kept,
                       torch::ScalarType compute) const;

  // All patches painted, from Encode's result: [N, L, p p 3] in `compute`.
  torch::Tensor Decode(const torch::Tensor& latent, const nn::Masking& masking,
                       torch::ScalarType compute) const;

 private:
  MaeSettings settings_;
  torch::Tensor cls_token_, pos_embed_, mask_token_, decoder_pos_embed_;
  std::shared_ptr<nn::PatchEmbed> patch_embed_;
  std::shared_ptr<nn::Blocks> blocks_, decoder_blocks_;
  std::shared_ptr<nn::LayerNorm> norm_, decoder_norm_;
  std::shared_ptr<nn::Linear> decoder_embed_, decoder_pred_;
};

}  // namespace ocellus::models::objectives
