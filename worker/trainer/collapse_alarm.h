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

// Rings when two checks in a row find features bad, not again while they stay so. One bad check may
// be a young encoder on its way; features that are not finite are not, and ring at once.
//
// Not a part of checkpoints: a resumed run begins anew, needs two checks of its own, and rings
// again where features were bad before.
class CollapseAlarm {
 public:
  explicit CollapseAlarm(const CollapseSettings& settings) : settings_(settings) {}

  // What to tell people after the check at `step`: nothing while all is well, while it was told
  // already, or for the first bad check. Before settings.after_steps only features that are not
  // finite are bad: an untrained encoder may look collapsed.
  std::optional<std::string> Judge(const FeatureHealth& health, int64_t step);

  // Whether it rings: from then until the first check that is good.
  bool collapsed() const { return collapsed_; }

 private:
  CollapseSettings settings_;
  bool bad_ = false;  // what the last check was
  bool collapsed_ = false;
};

}  // namespace ocellus::trainer
