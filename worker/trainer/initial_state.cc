#include "worker/trainer/initial_state.h"

#include <ATen/CPUGeneratorImpl.h>

#include <nlohmann/json.hpp>

#include "models/weights/weights.h"

namespace ocellus::trainer {

std::unique_ptr<models::Objective> MakeRandomObjective(const nlohmann::json& training,
                                                       torch::Device device) {
  auto objective = models::MakeObjective(training, device);
  const auto seed = training.at("seed").get<uint64_t>();
  objective->initialise(torch::make_generator<at::CPUGeneratorImpl>(seed));
  return objective;
}

void LoadStartingWeights(models::Objective& objective, const std::string& path) {
  models::Tensors given = models::weights::ReadFile(path);
  const models::Tensors encoder = objective.encoder_weights();
  bool encoder_alone = given.size() == encoder.size();
  for (const auto& [name, tensor] : encoder) encoder_alone = encoder_alone && given.contains(name);
  if (encoder_alone) {
    for (const auto& [name, tensor] : models::weights::State(objective)) {
      given.try_emplace(name, tensor.cpu());
    }
  }
  models::weights::LoadState(objective, given, path);
}

}  // namespace ocellus::trainer
