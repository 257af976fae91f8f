// The inputs of a replay, split as the ranks and micro-batches of a run would be.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "models/objective.h"

namespace ocellus::trainer {

struct ReplayBatch {
  int64_t samples = 0;                         // of all ranks
  std::vector<models::Tensors> micro_batches;  // of this rank
};

// Reads the tensors that `wishes` names from a safetensors file: rank r of `world` has the r-th of
// as many equal parts, cut into `accumulate` micro-batches. Throws wire::Fault (user, BAD_BATCH)
// that lists every missing or unexpected name, wrong shape, wrong type and number out of range, or
// says that the samples do not divide. What only a replay brings may be absent.
ReplayBatch ReadReplayBatch(const std::string& path, const models::InputWishes& wishes, int rank,
                            int world, int64_t accumulate, torch::Device device);

}  // namespace ocellus::trainer
