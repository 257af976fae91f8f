// The learning rate of each step: linear warm-up, then constant or half a cosine.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace ocellus::models::optim {

// Step i < W has peak * (i + offset) / W; with offset 0 the first step has rate 0. From W on
// `constant` has peak, `cosine` min + (peak - min) (1 + cos(pi (i - W) / (T - W))) / 2. MAE's
// util/lr_sched.py, at the first micro-batch of each step.
struct Schedule {
  enum class Kind { kConstant, kCosine };
  Kind kind = Kind::kCosine;
  double peak = 0;
  double min_rate = 0;
  int64_t warmup_steps = 0;
  int64_t total_steps = 1;
  int64_t warmup_offset = 0;

  // The rate of step i, counted from 0.
  double Rate(int64_t step) const;
};

// From a "schedule" section in steps (epochs are already turned into steps). Throws wire::Fault
// (user, BAD_SPEC) that names the key.
Schedule MakeSchedule(const nlohmann::json& section, double peak);

}  // namespace ocellus::models::optim
