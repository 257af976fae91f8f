#include "models/objectives/clip.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "models/ops/chunked.h"
#include "models/ops/contrastive_loss.h"
#include "models/ops/normalise_rows.h"
#include "models/registry.h"

namespace ocellus::models::objectives {
namespace {

const RegisterObjective kClipRegistered("clip", MakeClip);

}  // namespace

std::unique_ptr<Objective> MakeClip(const nlohmann::json& document, torch::Device device) {
  return std::make_unique<Clip>(ParseClipSettings(document), ParseColours(document),
                                ParsePrecision(document), device);
}

Clip::Clip(const ClipSettings& settings, const Colours& colours, torch::ScalarType compute,
           torch::Device device)
    : settings_(settings),
      colours_(colours),
      compute_(compute),
      network_(std::make_shared<ClipNetwork>(settings)) {
  network_->to(device);
  for (const auto& item : network_->named_parameters()) {
    if (item.key().starts_with("logit_")) continue;
    const bool image = item.key().starts_with("visual.");
    (image ? image_parameters_ : text_parameters_).push_back(item.value());
  }
}

InputWishes Clip::inputs() const {
  return {.views = {{"images", static_cast<int>(settings_.image_size)}},
          .texts = {{"tokens", settings_.context_length, settings_.vocab_size}}};
}

void Clip::initialise(torch::Generator generator) { network_->Initialise(generator); }

torch::Tensor Clip::EmbedImages(const torch::Tensor& images, torch::ScalarType compute) const {
  return ops::NormaliseRows(network_->visual().Embed(images, compute));
}

torch::Tensor Clip::EmbedTexts(const torch::Tensor& tokens, torch::ScalarType compute) const {
  return ops::NormaliseRows(network_->text().Embed(tokens, compute));
}

StepOutput Clip::forward(const Tensors& inputs, const StepContext& context) {
  const torch::Tensor images =
      ops::Chunked([this](const torch::Tensor& rows) { return EmbedImages(rows, compute_); },
                   inputs.at("images"), image_parameters_, settings_.chunk);
  const torch::Tensor texts =
      ops::Chunked([this](const torch::Tensor& rows) { return EmbedTexts(rows, compute_); },
                   inputs.at("tokens"), text_parameters_, settings_.chunk);

  const torch::Tensor scale = network_->logit_scale.exp();
  torch::Tensor loss =
      settings_.siglip
          ? ops::SigLipLoss(images, texts, scale, network_->logit_bias, *context.collectives)
          : ops::InfoNceLoss(images, texts, scale, *context.collectives);

  return {.loss = loss,
          .outputs = {{"image_features", images.detach()},
                      {"text_features", texts.detach()},
                      {"logit_scale", scale.detach()}}};
}

void Clip::after_step(const StepContext&) {
  const torch::NoGradGuard no_grad;
  network_->logit_scale.clamp_(0.0, std::log(settings_.logit_scale_max));
}

// In fp32 whatever the precision of training: neighbours and probes compare small differences.
torch::Tensor Clip::features(const torch::Tensor& images) {
  const torch::NoGradGuard no_grad;
  return network_->visual().Pool(images, torch::kFloat32);
}

torch::Tensor Clip::image_embeddings(const torch::Tensor& images) {
  const torch::NoGradGuard no_grad;
  return EmbedImages(images, torch::kFloat32);
}

torch::Tensor Clip::text_features(const torch::Tensor& tokens) {
  const torch::NoGradGuard no_grad;
  return EmbedTexts(tokens, torch::kFloat32);
}

std::optional<double> Clip::chance_loss(int64_t global_batch) const {
  const auto pairs = static_cast<double>(global_batch);
  if (!settings_.siglip) return std::log(pairs);
  // Embeddings at right angles leave the bias alone as logit, as it starts.
  const double bias = settings_.logit_bias_init;
  return std::log1p(std::exp(-bias)) + (pairs - 1) * std::log1p(std::exp(bias));
}

}  // namespace ocellus::models::objectives
