#include "models/objectives/rotnet.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "models/nn/resnet.h"
#include "models/objectives/encoders.h"
#include "models/registry.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

constexpr int64_t kQuarters = 4;

const RegisterObjective kRotNetRegistered("rotnet",
                                          [](const nlohmann::json& document, torch::Device device) {
                                            return std::make_unique<Rotnet>(document, device);
                                          });

// Stages of a ResNet that features are taken after; 0 for the whole encoder's.
int64_t FeatureStages(const nlohmann::json& document) {
  const std::string name = document["objective"]["rotnet"].value("features", "last");
  if (name == "last") return 0;
  if (!document["model"].contains("resnet")) {
    throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC",
                      "objective.rotnet.features: " + name + " is a stage of a ResNet",
                      "leave the key out, or give model.resnet");
  }
  return name.back() - '0';
}

// Each image turned by its own number of quarters.
torch::Tensor Turned(const torch::Tensor& images, const torch::Tensor& quarters) {
  torch::Tensor turned = images;
  for (int64_t k = 1; k < kQuarters; ++k) {
    turned = torch::where((quarters == k).view({-1, 1, 1, 1}), images.rot90(k, {2, 3}), turned);
  }
  return turned;
}

}  // namespace

RotnetNetwork::RotnetNetwork(std::shared_ptr<nn::Encoder> encoder) {
  encoder_ = register_module("encoder", std::move(encoder));
  head_ = register_module("head", std::make_shared<nn::Linear>(encoder_->features(), kQuarters));
}

void RotnetNetwork::Initialise(torch::Generator& generator) {
  encoder_->Initialise(generator);
  nn::DefaultInitialise(*head_, generator);
}

torch::Tensor RotnetNetwork::forward(const torch::Tensor& images, const nn::Pass& pass) const {
  return head_->forward(encoder_->forward(images, pass), torch::kFloat32);
}

Rotnet::Rotnet(const nlohmann::json& document, torch::Device device)
    : compute_(ParsePrecision(document)) {
  NamedEncoder encoder = MakeEncoder(document, "rotnet");
  image_size_ = static_cast<int>(encoder.image_size);
  any_size_ = encoder.any_size;
  stages_ = FeatureStages(document);
  metadata_ = std::move(encoder.metadata);
  network_ = std::make_shared<RotnetNetwork>(std::move(encoder.module));
  network_->to(device);
}

InputWishes Rotnet::inputs() const {
  return {.views = {{.name = "images", .size = image_size_, .any_size = any_size_}},
          .draws = {{"turn", 1}}};
}

void Rotnet::initialise(torch::Generator generator) { network_->Initialise(generator); }

StepOutput Rotnet::forward(const Tensors& inputs, const StepContext& context) {
  const torch::Tensor quarters = (inputs.at("turn").squeeze(1) * kQuarters).to(torch::kInt64);
  const torch::Tensor images = Turned(inputs.at("images"), quarters);

  const torch::Tensor logits = network_->forward(images, {compute_, context.collectives});

  return {.loss = torch::cross_entropy_loss(logits, quarters),
          .outputs = {{"logits", logits.detach()}, {"quarters", quarters}}};
}

torch::Tensor Rotnet::features(const torch::Tensor& images) {
  const torch::NoGradGuard no_grad;
  const nn::Encoder& encoder = network_->encoder();
  if (stages_ == 0) return encoder.forward(images, {});
  return dynamic_cast<const nn::ResNet&>(encoder).After(stages_, images, {});
}

Tensors Rotnet::encoder_weights() { return EncoderState(network_->encoder()); }

std::optional<double> Rotnet::chance_loss(int64_t) const {
  return std::log(static_cast<double>(kQuarters));
}

}  // namespace ocellus::models::objectives
