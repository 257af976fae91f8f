// What a job's loss was on its way, as far as it was heard of: enough to draw a line. Bounded: when
// it is full, every second point goes. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ocellus::coordinator {

inline constexpr size_t kTrailPointsMax = 512;

struct LossPoint {
  int64_t step = 0;
  double loss = 0;  // NaN where it was not finite
};

class LossTrail {
 public:
  // A step that is not beyond the last one takes back those from it on: the gang began again
  // further back.
  void Add(int64_t step, double loss);
  // In the order of the steps; the last one is the newest.
  const std::vector<LossPoint>& points() const { return points_; }

 private:
  void Thin();

  std::vector<LossPoint> points_;
};

}  // namespace ocellus::coordinator
