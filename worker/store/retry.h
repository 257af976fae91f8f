// How often and after what pause a request is tried again: exponential backoff with full jitter,
// within a number of attempts and a deadline for the operation as a whole.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <random>

namespace ocellus::store {

// Time as the store sees it. Tests bring their own. Thread-safe.
class Clock {
 public:
  using Time = std::chrono::steady_clock::time_point;
  virtual ~Clock() = default;
  virtual Time Now() const { return std::chrono::steady_clock::now(); }
  virtual time_t WallTime() const { return time(nullptr); }
  virtual void Sleep(std::chrono::milliseconds pause) const;
};

struct RetryPolicy {
  int attempts_max = 10;
  std::chrono::milliseconds backoff_first{50};
  std::chrono::milliseconds backoff_max{5'000};
  std::chrono::milliseconds deadline{120'000};  // of one operation, all its attempts together
};

// The attempts of one operation. Not thread-safe.
class Backoff {
 public:
  // `clock` is not owned. The deadline counts from now.
  Backoff(const RetryPolicy& policy, const Clock* clock, uint64_t seed);

  // Sleeps a random part of the next pause, or `at_least` when that is longer; then true. False,
  // at once, when the attempts are used up or the pause would end after the deadline.
  bool Wait(std::chrono::milliseconds at_least = {});

  int attempts() const { return attempts_; }
  Clock::Time deadline() const { return deadline_; }

 private:
  const RetryPolicy policy_;
  const Clock* clock_;
  const Clock::Time deadline_;
  std::mt19937_64 random_;
  int attempts_ = 1;
};

}  // namespace ocellus::store
