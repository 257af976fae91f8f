// How long a run is: epochs of a document turned into optimizer steps.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

namespace ocellus::trainer {

// Global batches that `samples` fill; the rest of an epoch is dropped. Throws wire::Fault (user,
// NO_DATA) when there are fewer samples than one batch takes, and (user, BAD_SPEC) when the batch
// does not divide over ranks and micro-batches.
int64_t StepsPerEpoch(int64_t samples, int64_t global_batch, int64_t accumulate, int world);

// The "schedule" section with `total_steps` and `warmup_steps` only, rounded to whole steps. Throws
// wire::Fault (user, BAD_SPEC) when the warm-up is longer than the run.
nlohmann::json ScheduleInSteps(const nlohmann::json& schedule, int64_t steps_per_epoch);

}  // namespace ocellus::trainer
