#include "worker/trainer/save_plan.h"

#include "worker/checkpoint/interval.h"

namespace ocellus::trainer {
namespace {

bool IsMultiple(int64_t step, int64_t every) { return every > 0 && step % every == 0; }

}  // namespace

bool SavePlan::Wishes(int64_t step) const {
  if (!decides_ || !settings_.auto_interval) return false;
  if (interval_s_ == 0) return step - saved_at_ >= settings_.every_steps;
  return std::chrono::duration<double>(Clock::now() - saved_time_).count() >= interval_s_;
}

bool SavePlan::Due(int64_t step, bool voted) const {
  return settings_.auto_interval ? voted : IsMultiple(step, settings_.every_steps);
}

void SavePlan::Saved(int64_t step, double stall_s) {
  saved_at_ = step;
  saved_time_ = Clock::now();
  if (settings_.auto_interval) {
    interval_s_ = checkpoint::BestInterval(stall_s, settings_.fault_interval_s);
  }
}

bool SavePlan::MemoryDue(int64_t step, bool saving) const {
  return settings_.memory_every_steps > 0 ? IsMultiple(step, settings_.memory_every_steps) : saving;
}

}  // namespace ocellus::trainer
