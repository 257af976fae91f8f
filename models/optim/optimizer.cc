#include "models/optim/optimizer.h"

#include <nlohmann/json.hpp>

#include "models/optim/adamw.h"
#include "models/optim/lars.h"
#include "models/optim/sgd.h"
#include "models/optim/sharded.h"
#include "worker/wire/fault.h"

namespace ocellus::models::optim {
namespace {

using nlohmann::json;

[[noreturn]] void ThrowBadOptimizer(const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", message,
                    "see `ocellus explain optimizer`");
}

// The name and settings of the one key of the section.
std::pair<std::string, json> OnlyKey(const json& section) {
  if (!section.is_object() || section.size() != 1) {
    ThrowBadOptimizer("optimizer: exactly one optimizer must be named");
  }
  return {section.begin().key(), section.begin().value()};
}

std::unique_ptr<Optimizer> AdamWOf(const json& settings, std::vector<NamedParameter> parameters) {
  return MakeAdamW(std::move(parameters), {.beta1 = settings.at("betas").at(0).get<double>(),
                                           .beta2 = settings.at("betas").at(1).get<double>(),
                                           .eps = settings.at("eps").get<double>(),
                                           .weight_decay = settings.at("weight_decay"),
                                           .decay_all = settings.at("decay_all").get<bool>()});
}

LarsForm ParseForm(const std::string& form) {
  if (form == "moco") return LarsForm::kMoco;
  if (form == "simclr") return LarsForm::kSimclr;
  if (form == "byol") return LarsForm::kByol;
  ThrowBadOptimizer("optimizer.lars.form: '" + form + "' is none of moco, simclr, byol");
}

std::unique_ptr<Optimizer> LarsOf(const json& settings, std::vector<NamedParameter> parameters) {
  return MakeLars(std::move(parameters),
                  {.form = ParseForm(settings.at("form").get<std::string>()),
                   .momentum = settings.at("momentum").get<double>(),
                   .weight_decay = settings.at("weight_decay").get<double>(),
                   .trust_coefficient = settings.at("trust_coefficient").get<double>()});
}

std::unique_ptr<Optimizer> SgdOf(const json& settings, std::vector<NamedParameter> parameters) {
  const SgdSettings sgd{.momentum = settings.at("momentum").get<double>(),
                        .weight_decay = settings.at("weight_decay").get<double>(),
                        .nesterov = settings.at("nesterov").get<bool>(),
                        .decay_all = settings.at("decay_all").get<bool>()};
  if (sgd.nesterov && sgd.momentum == 0) {
    ThrowBadOptimizer("optimizer.sgd.nesterov: needs a momentum above 0");
  }
  return MakeSgd(std::move(parameters), sgd);
}

using Factory = std::unique_ptr<Optimizer> (*)(const json&, std::vector<NamedParameter>);

const std::map<std::string, Factory>& Factories() {
  static const std::map<std::string, Factory> factories = {
      {"adamw", AdamWOf}, {"lars", LarsOf}, {"sgd", SgdOf}};
  return factories;
}

}  // namespace

std::vector<NamedParameter> TrainableParameters(const torch::nn::Module& module) {
  std::vector<NamedParameter> parameters;
  for (const auto& item : module.named_parameters()) {
    if (item.value().requires_grad()) parameters.push_back({item.key(), item.value()});
  }
  return parameters;
}

std::unique_ptr<Optimizer> MakeOptimizer(const json& section, torch::nn::Module& module,
                                         Collectives* ranks) {
  const auto [name, settings] = OnlyKey(section);
  const auto factory = Factories().find(name);
  if (factory == Factories().end()) {
    ThrowBadOptimizer("optimizer." + name +
                      ": there is no such optimizer; known: adamw, lars, sgd");
  }
  try {
    const auto make = [&settings = settings, factory](std::vector<NamedParameter> parameters) {
      return factory->second(settings, std::move(parameters));
    };
    auto parameters = TrainableParameters(module);
    const bool shards = ranks && ranks->world() > 1 && settings.value("shard", false);
    return shards ? MakeSharded(make, std::move(parameters), *ranks) : make(std::move(parameters));
  } catch (const json::exception& error) {
    ThrowBadOptimizer("optimizer." + name + ": " + error.what());
  }
}

double PeakRate(const json& section, int64_t global_batch) {
  const auto [name, settings] = OnlyKey(section);
  const auto given = [&settings = settings](const char* key) {
    return settings.contains(key) && settings[key].is_number();
  };
  if (given("lr") == given("base_lr")) {
    ThrowBadOptimizer("optimizer." + name + ": give either lr or base_lr");
  }
  if (given("lr")) return settings["lr"].get<double>();
  return settings["base_lr"].get<double>() * static_cast<double>(global_batch) / 256.0;
}

}  // namespace ocellus::models::optim
