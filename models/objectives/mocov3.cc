#include "models/objectives/mocov3.h"

#include <cmath>

#include "models/objectives/document.h"
#include "models/ops/key_contrast.h"
#include "models/registry.h"

namespace ocellus::models::objectives {
namespace {

const RegisterObjective kMocov3Registered("mocov3", MakeMocov3);

bool BelongsToProjector(const std::string& name) {
  return name.starts_with("head.") || name.starts_with("fc.");
}

}  // namespace

std::unique_ptr<Objective> MakeMocov3(const nlohmann::json& document, torch::Device device) {
  return std::make_unique<Mocov3>(ParseMocov3Settings(document), document, device);
}

Mocov3::Mocov3(const Mocov3Settings& settings, const nlohmann::json& document, torch::Device device)
    : settings_(settings),
      compute_(ParsePrecision(document)),
      network_(std::make_shared<Mocov3Network>(settings, document)) {
  network_->to(device);
}

InputWishes Mocov3::inputs() const {
  const NamedEncoder& encoder = network_->encoder();
  const int size = static_cast<int>(encoder.image_size);
  return {.views = {{"view1", size, "", encoder.any_size},
                    {"view2", size, "second", encoder.any_size}}};
}

void Mocov3::initialise(torch::Generator generator) { network_->Initialise(generator); }

StepOutput Mocov3::forward(const Tensors& inputs, const StepContext& context) {
  const torch::Tensor &view1 = inputs.at("view1"), &view2 = inputs.at("view2");
  const nn::Pass pass{compute_, context.collectives};
  const torch::Tensor q1 = network_->Query(view1, pass);
  const torch::Tensor q2 = network_->Query(view2, pass);

  // Not in the optimizer's pass: it moves before the update of its own step, also where the one
  // before was refused, and a checkpoint must hold what it was then.
  if (context.micro == 0) {
    network_->MoveMomentumEncoder(average_momentum(context), context.numbers);
  }
  const torch::Tensor k1 = network_->Key(view1, pass);
  const torch::Tensor k2 = network_->Key(view2, pass);

  const auto contrast = [&](const torch::Tensor& queries, const torch::Tensor& keys) {
    return ops::KeyContrast(queries, keys, settings_.temperature, *context.collectives);
  };
  // The factor makes gradients of all temperatures alike in size.
  const torch::Tensor loss = (contrast(q1, k2) + contrast(q2, k1)) * (2.0 * settings_.temperature);
  return {.loss = loss,
          .outputs = {{"q1", q1.detach()}, {"q2", q2.detach()}, {"k1", k1}, {"k2", k2}}};
}

double Mocov3::average_momentum(const StepContext& context) const {
  return settings_.momentum.At(context.step, context.total_steps);
}

torch::Tensor Mocov3::features(const torch::Tensor& images) {
  const torch::NoGradGuard no_grad;
  // In fp32 whatever the precision of training: neighbours and probes compare small differences.
  return network_->encoder().module->forward(images, nn::Pass{}).contiguous();
}

Tensors Mocov3::encoder_weights() {
  Tensors weights = EncoderState(*network_->encoder().module);
  std::erase_if(weights, [](const auto& item) { return BelongsToProjector(item.first); });
  return weights;
}

std::map<std::string, std::string> Mocov3::encoder_metadata() {
  return network_->encoder().metadata;
}

std::optional<double> Mocov3::chance_loss(int64_t global_batch) const {
  return 4.0 * settings_.temperature * std::log(static_cast<double>(global_batch));
}

}  // namespace ocellus::models::objectives
