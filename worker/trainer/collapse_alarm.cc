#include "worker/trainer/collapse_alarm.h"

#include <cstdio>
#include <utility>

namespace ocellus::trainer {
namespace {

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", value);
  return text;
}

}  // namespace

std::optional<std::string> CollapseOf(const FeatureHealth& health,
                                      const CollapseSettings& settings) {
  if (!health.finite) {
    return "features are not finite: look at the learning rate, at guard.clip_norm, and at the "
           "skipped steps in the log";
  }
  const std::string where =
      "look at the learning rate and its warm-up, at the method's target network (momentum, "
      "temperature, stop-gradient), at data.augment, and at whether the loss is at its chance "
      "level";
  if (health.relative_std() < settings.min_std) {
    return "features of different images are nearly the same: their standard deviation is " +
           Number(health.std) + ", healthy is " + Number(health.healthy_std()) + " (alarm below " +
           Number(settings.min_std) + " of that); " + where;
  }
  if (health.effective_rank < settings.min_rank) {
    return "features use few directions: their effective rank is " + Number(health.effective_rank) +
           " of " + std::to_string(health.dim) + " (alarm below " + Number(settings.min_rank) +
           "); " + where;
  }
  return std::nullopt;
}

std::optional<std::string> CollapseAlarm::Judge(const FeatureHealth& health, int64_t step) {
  auto problem = CollapseOf(health, settings_);
  if (health.finite && step < settings_.after_steps) problem.reset();
  const bool was_bad = std::exchange(bad_, problem.has_value());
  const bool was_collapsed = collapsed_;
  collapsed_ = bad_ && (was_collapsed || was_bad || !health.finite);
  if (!collapsed_ || was_collapsed) return std::nullopt;
  return "collapse after step " + std::to_string(step) + ": " + *problem;
}

}  // namespace ocellus::trainer
