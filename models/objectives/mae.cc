#include "models/objectives/mae.h"

#include <nlohmann/json.hpp>

#include "models/ops/masked_pixel_loss.h"
#include "models/registry.h"

namespace ocellus::models::objectives {
namespace {

const RegisterObjective kMaeRegistered("mae", MakeMae);

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

std::optional<double> Mae::chance_loss(int64_t) const {
  if (!settings_.norm_pix_loss) return std::nullopt;
  // A patch's values have variance 1 (the unbiased one); decoder_pred, Xavier uniform on values of
  // variance 1, guesses beside them.
  const auto values = static_cast<double>(settings_.patch_size * settings_.patch_size * 3);
  const auto width = static_cast<double>(settings_.decoder_dim);
  return (values - 1) / values + 2 * width / (width + values);
}

torch::Tensor Mae::features(const torch::Tensor& images) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor all =
      torch::arange(settings_.patches(), images.options().dtype(torch::kInt64))
          .expand({images.size(0), settings_.patches()});
  // In fp32 whatever the precision of training: neighbours and probes compare small differences.
  const torch::Tensor tokens = network_->Encode(images, all, torch::kFloat32);
  if (settings_.features == MaeFeatures::kToken) return tokens.select(1, 0).contiguous();
  const torch::Tensor patches = tokens.slice(1, 1);
  return settings_.features == MaeFeatures::kMean ? patches.mean(1) : patches.amax(1);
}

}  // namespace ocellus::models::objectives
