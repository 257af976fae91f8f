#include <cmath>
#include <nlohmann/json.hpp>

#include "models/objectives/mocov3_network.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

[[noreturn]] void ThrowBadSpec(const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", message,
                    "see `ocellus explain objective.mocov3`");
}

Mocov3Settings Read(const nlohmann::json& document) {
  const nlohmann::json& moco = document.at("objective").at("mocov3");
  const nlohmann::json& model = document.at("model");
  const bool frozen = moco.value("freeze_patch_embed", true);
  const bool is_vit = model.contains("vit");
  if (!is_vit && !model.contains("resnet")) {
    ThrowBadSpec("model: the objective mocov3 needs model.vit or model.resnet");
  }
  return {.temperature = moco.at("temperature").get<double>(),
          .momentum = nn::ParseMomentumSchedule(moco, "objective.mocov3"),
          .proj_dim = moco.at("proj_dim").get<int64_t>(),
          .mlp_dim = moco.at("mlp_dim").get<int64_t>(),
          .is_vit = is_vit,
          .freeze_patch_embed = is_vit && frozen};
}

}  // namespace

Mocov3Settings ParseMocov3Settings(const nlohmann::json& document) {
  Mocov3Settings settings;
  try {
    settings = Read(document);
  } catch (const nlohmann::json::exception& error) {
    ThrowBadSpec(std::string("objective.mocov3: ") + error.what());
  }
  if (!(settings.temperature > 0) || !std::isfinite(settings.temperature)) {
    ThrowBadSpec("objective.mocov3.temperature: " + std::to_string(settings.temperature) +
                 " is not above 0");
  }
  if (settings.proj_dim < 1 || settings.mlp_dim < 1) {
    ThrowBadSpec("objective.mocov3: proj_dim and mlp_dim must be 1 or more");
  }
  return settings;
}

}  // namespace ocellus::models::objectives
