#include <nlohmann/json.hpp>

#include "models/objectives/mae_network.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

[[noreturn]] void ThrowBadMae(const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", message,
                    "see `ocellus explain objective.mae` and `ocellus explain model.vit`");
}

MaeFeatures ParseFeatures(const nlohmann::json& mae) {
  const std::string name = mae.value("features", "token");
  return name == "max"    ? MaeFeatures::kMax
         : name == "mean" ? MaeFeatures::kMean
                          : MaeFeatures::kToken;
}

void CheckWidth(const std::string& section, int64_t dim, int64_t heads) {
  const std::string key = section + ".dim: " + std::to_string(dim);
  if (dim % heads != 0) {
    ThrowBadMae(key + " is not divisible by " + section + ".heads = " + std::to_string(heads));
  }
  if (dim % 4 != 0) ThrowBadMae(key + " is not divisible by 4, as its position table needs");
}

void Check(const MaeSettings& settings) {
  if (settings.image_size % settings.patch_size != 0) {
    ThrowBadMae(
        "model.vit.image_size: " + std::to_string(settings.image_size) +
        " is not divisible by model.vit.patch_size = " + std::to_string(settings.patch_size));
  }
  CheckWidth("model.vit", settings.dim, settings.heads);
  CheckWidth("objective.mae.decoder", settings.decoder_dim, settings.decoder_heads);
  const int64_t kept = nn::PatchesKept(settings.patches(), settings.mask_ratio);
  if (kept < 1 || kept >= settings.patches()) {
    ThrowBadMae("objective.mae.mask_ratio: " + std::to_string(settings.mask_ratio) + " leaves " +
                std::to_string(kept) + " of " + std::to_string(settings.patches()) +
                " patches visible; at least one must be visible and one hidden");
  }
}

}  // namespace

MaeSettings ParseMaeSettings(const nlohmann::json& document) {
  MaeSettings settings;
  try {
    const nlohmann::json& mae = document.at("objective").at("mae");
    const nlohmann::json& model = document.at("model");
    if (!model.contains("vit")) ThrowBadMae("model: the objective mae needs model.vit");
    const nlohmann::json &vit = model["vit"], &decoder = mae.at("decoder");
    settings = {.mask_ratio = mae.at("mask_ratio").get<double>(),
                .norm_pix_loss = mae.at("norm_pix_loss").get<bool>(),
                .image_size = vit.at("image_size").get<int64_t>(),
                .patch_size = vit.at("patch_size").get<int64_t>(),
                .dim = vit.at("dim").get<int64_t>(),
                .depth = vit.at("depth").get<int64_t>(),
                .heads = vit.at("heads").get<int64_t>(),
                .decoder_dim = decoder.at("dim").get<int64_t>(),
                .decoder_depth = decoder.at("depth").get<int64_t>(),
                .decoder_heads = decoder.at("heads").get<int64_t>(),
                .mlp_ratio = vit.at("mlp_ratio").get<double>(),
                .recompute = vit.value("recompute", false),
                .features = ParseFeatures(mae)};
  } catch (const nlohmann::json::exception& error) {
    ThrowBadMae(std::string("objective.mae: ") + error.what());
  }
  Check(settings);
  return settings;
}

}  // namespace ocellus::models::objectives
