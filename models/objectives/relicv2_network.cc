#include "models/objectives/relicv2_network.h"

#include "models/ops/normalise_rows.h"

namespace ocellus::models::objectives {
namespace {

constexpr double kSmallestLength = 1e-12;

// BYOL's MLP.
std::shared_ptr<nn::MlpHead> Head(int64_t in, const Relicv2Settings& settings) {
  return std::make_shared<nn::MlpHead>(std::vector<nn::HeadPart>{
      nn::LinearPart{in, settings.mlp_dim, /*bias=*/true}, nn::BatchNormPart{settings.mlp_dim},
      nn::ReluPart{}, nn::LinearPart{settings.mlp_dim, settings.proj_dim}});
}

}  // namespace

Relicv2Side::Relicv2Side(const Relicv2Settings& settings, std::shared_ptr<nn::Encoder> encoder,
                         bool predictor) {
  encoder_ = register_module("encoder", std::move(encoder));
  projector_ = register_module("projector", Head(encoder_->features(), settings));
  if (predictor) predictor_ = register_module("predictor", Head(settings.proj_dim, settings));
}

torch::Tensor Relicv2Side::forward(const torch::Tensor& images, const nn::Pass& pass) const {
  torch::Tensor x = projector_->forward(encoder_->forward(images, pass), pass);
  if (predictor_) x = predictor_->forward(x, pass);
  return ops::NormaliseRows(x, kSmallestLength);
}

void Relicv2Side::Initialise(torch::Generator& generator) {
  encoder_->Initialise(generator);
  projector_->Initialise(generator);
  if (predictor_) predictor_->Initialise(generator);
}

Relicv2Network::Relicv2Network(const Relicv2Settings& settings, std::shared_ptr<nn::Encoder> online,
                               std::shared_ptr<nn::Encoder> target) {
  online_ = register_module(
      "online", std::make_shared<Relicv2Side>(settings, std::move(online), settings.predictor));
  target_ =
      register_module("target", std::make_shared<Relicv2Side>(settings, std::move(target), false));
  ema_.Add(*online_->encoder(), *target_->encoder());
  ema_.Add(*online_->projector(), *target_->projector());
}

void Relicv2Network::Initialise(torch::Generator& generator) {
  online_->Initialise(generator);
  ema_.Copy();
}

}  // namespace ocellus::models::objectives
