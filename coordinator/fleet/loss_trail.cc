#include "coordinator/fleet/loss_trail.h"

#include <algorithm>

namespace ocellus::coordinator {

void LossTrail::Add(int64_t step, double loss) {
  const auto taken_back =
      std::lower_bound(points_.begin(), points_.end(), step,
                       [](const LossPoint& point, int64_t wanted) { return point.step < wanted; });
  points_.erase(taken_back, points_.end());
  if (points_.size() == kTrailPointsMax) Thin();
  points_.push_back({step, loss});
}

void LossTrail::Thin() {
  for (size_t i = 0; 2 * i < points_.size(); ++i) points_[i] = points_[2 * i];
  points_.resize((points_.size() + 1) / 2);
}

}  // namespace ocellus::coordinator
