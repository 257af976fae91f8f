#include <cmath>
#include <nlohmann/json.hpp>

#include "models/objectives/mocov3_network.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

[[noreturn]] void ThrowBadMocov3(const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", message,
                    "see `ocellus explain objective.mocov3`");
}

Mocov3Settings ReadMocov3(const nlohmann::json& document) {
  const nlohmann::json& moco = document.at("objective").at("mocov3");
  const nlohmann::json& model = document.at("model");
  const bool frozen = moco.value("freeze_patch_embed", true);
  const bool is_vit = model.contains("vit");
  if (!is_vit && !model.contains("resnet")) {
    ThrowBadMocov3("model: the objective mocov3 needs model.vit or model.resnet");
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
    settings = ReadMocov3(document);
  } catch (const nlohmann::json::exception& error) {
    ThrowBadMocov3(std::string("objective.mocov3: ") + error.what());
  }
  if (!(settings.temperature > 0) || !std::isfinite(settings.temperature)) {
    ThrowBadMocov3("objective.mocov3.temperature: " + std::to_string(settings.temperature) +
                   " is not above 0");
  }
  if (settings.proj_dim < 1 || settings.mlp_dim < 1) {
    ThrowBadMocov3("objective.mocov3: proj_dim and mlp_dim must be 1 or more");
  }
  return settings;
}

}  // namespace ocellus::models::objectives
