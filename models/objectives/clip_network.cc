#include "models/objectives/clip_network.h"

#include <cmath>

namespace ocellus::models::objectives {
namespace {

constexpr int64_t kTextMlpRatio = 4;

}  // namespace

nn::ImageTowerShape ClipSettings::image_shape() const {
  return {.image_size = image_size,
          .patch_size = patch_size,
          .embed_dim = embed_dim,
          .transformer = {.width = dim,
                          .heads = heads,
                          .layers = depth,
                          .hidden = static_cast<int64_t>(static_cast<double>(dim) * mlp_ratio),
                          .quick_gelu = quick_gelu,
                          .recompute = recompute}};
}

nn::TextTowerShape ClipSettings::text_shape() const {
  return {.vocab_size = vocab_size,
          .context_length = context_length,
          .embed_dim = embed_dim,
          .transformer = {.width = text_width,
                          .heads = text_heads,
                          .layers = text_layers,
                          .hidden = text_width * kTextMlpRatio,
                          .quick_gelu = quick_gelu,
                          .causal = true,
                          .recompute = recompute}};
}

ClipNetwork::ClipNetwork(const ClipSettings& settings)
    : settings_(settings), text_(*this, settings.text_shape()) {
  logit_scale = register_parameter("logit_scale", torch::zeros({}));
  if (settings.siglip) logit_bias = register_parameter("logit_bias", torch::zeros({}));
  visual_ = register_module("visual", std::make_shared<nn::ImageTower>(settings.image_shape()));
}

void ClipNetwork::Initialise(torch::Generator& generator) {
  const torch::NoGradGuard no_grad;
  text_.Initialise(generator);
  visual_->Initialise(generator);
  logit_scale.fill_(std::log(settings_.logit_scale_init));
  if (settings_.siglip) logit_bias.fill_(settings_.logit_bias_init);
}

}  // namespace ocellus::models::objectives
