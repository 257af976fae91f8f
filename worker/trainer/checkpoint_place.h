// Checkpoints that a person names.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "models/objective.h"
#include "worker/checkpoint/restore.h"

namespace ocellus::trainer {

// `place`: a folder or a store's URI (file://, s3://) of a checkpoint, or of a run or job, which
// gives its newest. Throws wire::Fault (user, NO_CHECKPOINT) when there is none, or what reading
// met.
checkpoint::Restored OpenCheckpoint(const std::string& place);

// Where the run or job lies that `place` is a checkpoint of; `place` itself when it is a run's.
std::string RunOf(const std::string& place);

// The objective of a resolved `training` document with the weights of `restored`.
std::unique_ptr<models::Objective> ObjectiveOf(const checkpoint::Restored& restored,
                                               const nlohmann::json& training,
                                               torch::Device device);

}  // namespace ocellus::trainer
