#include "worker/trainer/plan.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

wire::Fault UserFault(const char* outcome, const std::string& message, const std::string& hint) {
  return wire::Fault(wire::FaultClass::kUser, outcome, message, hint);
}

void TurnIntoSteps(nlohmann::json& schedule, const char* epochs_key, const char* steps_key,
                   int64_t steps_per_epoch) {
  if (!schedule.contains(epochs_key)) return;
  const double epochs = schedule.at(epochs_key);
  schedule[steps_key] = std::llround(epochs * static_cast<double>(steps_per_epoch));
  schedule.erase(epochs_key);
}

}  // namespace

int64_t StepsPerEpoch(int64_t samples, int64_t global_batch, int64_t accumulate, int world) {
  if (global_batch % (accumulate * world) != 0) {
    throw UserFault("BAD_SPEC",
                    "batch.global: " + std::to_string(global_batch) + " does not divide over " +
                        std::to_string(world) + " ranks and batch.accumulate " +
                        std::to_string(accumulate),
                    "make batch.global a multiple of " + std::to_string(accumulate * world));
  }
  if (samples < global_batch) {
    throw UserFault("NO_DATA",
                    "data.train has " + std::to_string(samples) +
                        " samples, fewer than batch.global " + std::to_string(global_batch),
                    "add data or lower batch.global");
  }
  return samples / global_batch;
}

nlohmann::json ScheduleInSteps(const nlohmann::json& schedule, int64_t steps_per_epoch) {
  nlohmann::json steps = schedule;
  TurnIntoSteps(steps, "epochs", "total_steps", steps_per_epoch);
  TurnIntoSteps(steps, "warmup_epochs", "warmup_steps", steps_per_epoch);
  steps["total_steps"] = std::max<int64_t>(1, steps.at("total_steps"));
  const int64_t warmup = steps.at("warmup_steps");
  const int64_t total = steps.at("total_steps");
  if (warmup > total) {
    throw UserFault("BAD_SPEC",
                    "schedule: a warm-up of " + std::to_string(warmup) +
                        " steps is longer than the run of " + std::to_string(total) + " steps",
                    "lower schedule.warmup_steps or warmup_epochs");
  }
  return steps;
}

}  // namespace ocellus::trainer
