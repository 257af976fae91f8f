// Time enters by constructor: what waits or expires takes a Clock.
#pragma once

#include "absl/time/time.h"

namespace ocellus::coordinator {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time, for people and rows. It may jump.
  virtual absl::Time Now() const = 0;
  // Time since a fixed point that never jumps: for leases and deadlines. Only differences count.
  virtual absl::Duration Monotonic() const = 0;
};

// The machine's clock; lives for ever.
const Clock& RealClock();

}  // namespace ocellus::coordinator
