// A model as it is before the first step.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "models/objective.h"

namespace ocellus::trainer {

// The document's objective with values drawn from its seed. The same document gives the same bits
// at any time and on any rank. Throws wire::Fault (user).
std::unique_ptr<models::Objective> MakeRandomObjective(const nlohmann::json& training,
                                                       torch::Device device);

// Reads official-name weights into `objective`: the full set, or the encoder alone (as the method's
// authors release it), in which case the rest stays as it is. Throws wire::Fault (user,
// WEIGHTS_MISMATCH) that lists every name at fault.
void LoadStartingWeights(models::Objective& objective, const std::string& path);

}  // namespace ocellus::trainer
