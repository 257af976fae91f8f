#include "models/objectives/mae_network.h"

#include <cmath>

#include "models/nn/position_table.h"

namespace ocellus::models::objectives {
namespace {

constexpr double kLayerNormEps = 1e-6;
constexpr double kTokenDeviation = 0.02;

nn::BlockShape Shape(int64_t dim, int64_t heads, const MaeSettings& settings) {
  return {.width = dim,
          .heads = heads,
          .hidden = static_cast<int64_t>(static_cast<double>(dim) * settings.mlp_ratio),
          .eps = kLayerNormEps,
          .recompute = settings.recompute};
}

}  // namespace

MaeNetwork::MaeNetwork(const MaeSettings& settings) : settings_(settings) {
  const auto& s = settings;
  const int64_t tokens = 1 + s.patches();
  cls_token_ = register_parameter("cls_token", torch::zeros({1, 1, s.dim}));
  pos_embed_ = register_parameter("pos_embed", torch::zeros({1, tokens, s.dim}), false);
  mask_token_ = register_parameter("mask_token", torch::zeros({1, 1, s.decoder_dim}));
  decoder_pos_embed_ =
      register_parameter("decoder_pos_embed", torch::zeros({1, tokens, s.decoder_dim}), false);

  patch_embed_ =
      register_module("patch_embed", std::make_shared<nn::PatchEmbed>(s.patch_size, 3, s.dim));
  blocks_ =
      register_module("blocks", std::make_shared<nn::Blocks>(s.depth, Shape(s.dim, s.heads, s)));
  norm_ = register_module("norm", std::make_shared<nn::LayerNorm>(s.dim, kLayerNormEps));

  decoder_embed_ =
      register_module("decoder_embed", std::make_shared<nn::Linear>(s.dim, s.decoder_dim));
  decoder_blocks_ = register_module(
      "decoder_blocks",
      std::make_shared<nn::Blocks>(s.decoder_depth, Shape(s.decoder_dim, s.decoder_heads, s)));
  decoder_norm_ = register_module("decoder_norm",
                                  std::make_shared<nn::LayerNorm>(s.decoder_dim, kLayerNormEps));
  decoder_pred_ = register_module("decoder_pred",
                                  std::make_shared<nn::Linear>(s.decoder_dim, s.patch_values()));
}

void MaeNetwork::Initialise(torch::Generator& generator) {
  const torch::NoGradGuard no_grad;
  pos_embed_.copy_(nn::SinCosTable(settings_.dim, settings_.grid(), nn::TableOrder::kColumnFirst));
  decoder_pos_embed_.copy_(
      nn::SinCosTable(settings_.decoder_dim, settings_.grid(), nn::TableOrder::kColumnFirst));

  // The convolution's bias keeps the default of a convolution.
  const double fan_in = static_cast<double>(settings_.patch_values());
  nn::XavierUniform(patch_embed_->weight, generator);
  nn::Uniform(patch_embed_->bias, 1.0 / std::sqrt(fan_in), generator);

  nn::Normal(cls_token_, kTokenDeviation, generator);
  nn::Normal(mask_token_, kTokenDeviation, generator);

  for (const auto& module : modules(/*include_self=*/false)) {
    if (const auto* linear = module->as<nn::Linear>()) {
      nn::XavierUniform(linear->weight, generator);
      linear->bias.zero_();
    } else if (const auto* norm = module->as<nn::LayerNorm>()) {
      norm->weight.fill_(1.0);
      norm->bias.zero_();
    }
  }
}

torch::Tensor MaeNetwork::Encode(const torch::Tensor& images, const torch::Tensor& kept,
                                 torch::ScalarType compute) const {
  // Patches that nobody sees are not embedded.
  const torch::Tensor pixels = nn::PatchPixels(images, settings_.patch_size, kept);
  const torch::Tensor patches = patch_embed_->forward(pixels, compute);

  nn::Stream stream{nn::EncoderTokens(cls_token_, patches, pos_embed_, kept), {}};
  stream = blocks_->forward(std::move(stream), compute);
  return nn::Normalise(stream, *norm_, compute);
}

torch::Tensor MaeNetwork::Decode(const torch::Tensor& latent, const nn::Masking& masking,
                                 torch::ScalarType compute) const {
  const torch::Tensor seen = decoder_embed_->forward(latent, compute);

  nn::Stream stream{nn::DecoderTokens(seen, mask_token_, decoder_pos_embed_, masking), {}};
  stream = decoder_blocks_->forward(std::move(stream), compute);
  const torch::Tensor tokens = nn::Normalise(stream, *decoder_norm_, compute);

  const torch::Tensor patches = tokens.narrow(1, 1, settings_.patches());
  return decoder_pred_->forward(patches, compute);
}

}  // namespace ocellus::models::objectives
