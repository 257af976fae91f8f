#include "models/optim/optimizer.h"

#include <nlohmann/json.hpp>

#include "models/optim/adamw.h"
#include "worker/wire/fault.h"

namespace ocellus::models::optim {
namespace {

using nlohmann::json;

[[noreturn]] void ThrowBadSpec(const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", message,
                    "see `ocellus explain optimizer`");
}

// The name and settings of the one key of the section.
std::pair<std::string, json> OnlyKey(const json& section) {
  if (!section.is_object() || section.size() != 1) {
    ThrowBadSpec("optimizer: exactly one optimizer must be named");
  }
  return {section.begin().key(), section.begin().value()};
}

std::unique_ptr<Optimizer> AdamWOf(const json& settings, std::vector<NamedParameter> parameters) {
  try {
    return MakeAdamW(std::move(parameters), {.beta1 = settings.at("betas").at(0).get<double>(),
                                             .beta2 = settings.at("betas").at(1).get<double>(),
                                             .eps = settings.at("eps").get<double>(),
                                             .weight_decay = settings.at("weight_decay"),
                                             .decay_all = settings.at("decay_all").get<bool>()});
  } catch (const json::exception& error) {
    ThrowBadSpec(std::string("optimizer.adamw: ") + error.what());
  }
}

}  // namespace

std::vector<NamedParameter> TrainableParameters(const torch::nn::Module& module) {
  std::vector<NamedParameter> parameters;
  for (const auto& item : module.named_parameters()) {
    if (item.value().requires_grad()) parameters.push_back({item.key(), item.value()});
  }
  return parameters;
}

std::unique_ptr<Optimizer> MakeOptimizer(const json& section, torch::nn::Module& module) {
  const auto [name, settings] = OnlyKey(section);
  if (name == "adamw") return AdamWOf(settings, TrainableParameters(module));
  ThrowBadSpec("optimizer." + name + ": there is no such optimizer; known: adamw");
}

double PeakRate(const json& section, int64_t global_batch) {
  const auto [name, settings] = OnlyKey(section);
  const auto given = [&settings = settings](const char* key) {
    return settings.contains(key) && settings[key].is_number();
  };
  if (given("lr") == given("base_lr")) {
    ThrowBadSpec("optimizer." + name + ": give either lr or base_lr");
  }
  if (given("lr")) return settings["lr"].get<double>();
  return settings["base_lr"].get<double>() * static_cast<double>(global_batch) / 256.0;
}

}  // namespace ocellus::models::optim
