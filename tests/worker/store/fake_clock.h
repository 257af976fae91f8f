// A clock that moves only when someone sleeps, for tests.
#pragma once

#include <atomic>

#include "worker/store/retry.h"

namespace ocellus::store {

class FakeClock : public Clock {
 public:
  explicit FakeClock(time_t wall = 1'700'000'000) : wall_(wall) {}
  // The real one, so that a connection's own deadline makes sense, and what was slept besides.
  Time Now() const override { return Clock::Now() + std::chrono::milliseconds(slept_ms_); }
  time_t WallTime() const override { return wall_ + slept_ms_ / 1000; }
  void Sleep(std::chrono::milliseconds pause) const override { slept_ms_ += pause.count(); }
  void SetWallTime(time_t wall) { wall_ = wall - slept_ms_ / 1000; }
  int64_t slept_ms() const { return slept_ms_; }

 private:
  std::atomic<time_t> wall_;
  mutable std::atomic<int64_t> slept_ms_{0};
};

}  // namespace ocellus::store
