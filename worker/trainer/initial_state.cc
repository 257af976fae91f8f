#include "worker/trainer/initial_state.h"

#include <ATen/CPUGeneratorImpl.h>

#include <nlohmann/json.hpp>

#include "models/weights/import.h"
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
  namespace weights = models::weights;
  const models::Tensors given = weights::ReadFile(path);
  const auto part = weights::IsEncoderAlone(objective, given) ? weights::ImportPart::kEncoder
                                                              : weights::ImportPart::kAll;
  weights::Import(objective, given, part, path);
}

}  // namespace ocellus::trainer
