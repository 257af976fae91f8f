// Notices that an encoder gives the same features to every image.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "worker/trainer/feature_health.h"
#include "worker/trainer/settings.h"

namespace ocellus::trainer {

// Why features of that health are no good: a sentence with the numbers. Nothing when they are.
std::optional<std::string> CollapseOf(const FeatureHealth& health,
                                      const CollapseSettings& settings);

// Rings when features become bad, not again while they stay so.
class CollapseAlarm {
 public:
  explicit CollapseAlarm(const CollapseSettings& settings) : settings_(settings) {}

  // What to tell people after `step` steps: nothing while all is well, while it was told already,
  // or before settings.after_steps (an untrained encoder may look collapsed) unless features are
  // not finite.
  std::optional<std::string> Judge(const FeatureHealth& health, int64_t step);

  // What the last judgement was.
  bool collapsed() const { return collapsed_; }

 private:
  CollapseSettings settings_;
  bool collapsed_ = false;
};

}  // namespace ocellus::trainer
