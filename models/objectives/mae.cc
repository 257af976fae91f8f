#include "models/objectives/mae.h"

#include <nlohmann/json.hpp>

#include "models/ops/masked_pixel_loss.h"
#include "models/registry.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

const RegisterObjective kRegistered("mae", MakeMae);

Colours ParseColours(const nlohmann::json& document) {
  Colours colours;
  // A replay has no data section; its pictures, if any, are ImageNet's.
  const nlohmann::json augment =
      document.value("data", nlohmann::json::object()).value("augment", nlohmann::json::object());
  for (size_t i = 0; i < 3; ++i) {
    if (augment.contains("mean")) colours.mean[i] = augment["mean"].at(i).get<float>();
    if (augment.contains("std")) colours.std[i] = augment["std"].at(i).get<float>();
  }
  return colours;
}

torch::ScalarType ParsePrecision(const nlohmann::json& document) {
  const std::string precision = document.at("precision").get<std::string>();
  if (precision == "bf16") return torch::kBFloat16;
  if (precision == "fp32") return torch::kFloat32;
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC",
                    "precision: '" + precision + "' is neither bf16 nor fp32",
                    "see `ocellus explain precision`");
}

}  // namespace

std::unique_ptr<Objective> MakeMae(const nlohmann::json& document, torch::Device device) {
  return std::make_unique<Mae>(ParseMaeSettings(document), ParseColours(document),
                               ParsePrecision(document), device);
}

Mae::Mae(const MaeSettings& settings, const Colours& colours, torch::ScalarType compute,
         torch::Device device)
    : settings_(settings),
      colours_(colours),
      compute_(compute),
      network_(std::make_shared<MaeNetwork>(settings)) {
  network_->to(device);
}

InputWishes Mae::inputs() const {
  return {.views = {{"images", static_cast<int>(settings_.image_size)}},
          .draws = {{"noise", settings_.patches()}}};
}

void Mae::initialise(torch::Generator generator) { network_->Initialise(generator); }

StepOutput Mae::forward(const Tensors& inputs, const StepContext& context) {
  const torch::Tensor &images = inputs.at("images"), &noise = inputs.at("noise");
  const int64_t keep = nn::PatchesKept(settings_.patches(), settings_.mask_ratio);
  const nn::Masking masking = nn::MaskByNoise(noise, keep);

  const torch::Tensor latent = network_->Encode(images, masking.kept, compute_);
  const torch::Tensor pred = network_->Decode(latent, masking, compute_);

  torch::Tensor loss = ops::MaskedPixelLoss(pred, images, masking.mask, settings_.patch_size,
                                            settings_.norm_pix_loss);
  return {.loss = loss, .outputs = {{"pred", pred.detach()}, {"mask", masking.mask}}};
}

torch::Tensor Mae::features(const torch::Tensor& images) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor all =
      torch::arange(settings_.patches(), images.options().dtype(torch::kInt64))
          .expand({images.size(0), settings_.patches()});
  // In fp32 whatever the precision of training: neighbours and probes compare small differences.
  return network_->Encode(images, all, torch::kFloat32).select(1, 0).contiguous();
}

}  // namespace ocellus::models::objectives
