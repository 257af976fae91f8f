// A clock that moves only when told to. Thread-safe.
#pragma once

#include <mutex>

#include "coordinator/base/clock.h"

namespace ocellus::coordinator {

class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(absl::Time start = absl::FromUnixSeconds(1'700'000'000))
      : now_(start), monotonic_(absl::Hours(1)) {}

  absl::Time Now() const override {
    std::lock_guard lock(mutex_);
    return now_;
  }
  absl::Duration Monotonic() const override {
    std::lock_guard lock(mutex_);
    return monotonic_;
  }
  void Advance(absl::Duration by) {
    std::lock_guard lock(mutex_);
    now_ += by;
    monotonic_ += by;
  }
  // The wall clock is set; monotonic time is not moved.
  void JumpWall(absl::Duration by) {
    std::lock_guard lock(mutex_);
    now_ += by;
  }

 private:
  mutable std::mutex mutex_;
  absl::Time now_;
  absl::Duration monotonic_;
};

}  // namespace ocellus::coordinator
