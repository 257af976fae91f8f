#include "worker/store/retry.h"

#include <algorithm>
#include <thread>

namespace ocellus::store {

void Clock::Sleep(std::chrono::milliseconds pause) const { std::this_thread::sleep_for(pause); }

Backoff::Backoff(const RetryPolicy& policy, const Clock* clock, uint64_t seed)
    : policy_(policy), clock_(clock), deadline_(clock->Now() + policy.deadline), random_(seed) {}

bool Backoff::Wait(std::chrono::milliseconds at_least) {
  if (attempts_ >= policy_.attempts_max) return false;
  const int doublings = std::min(attempts_ - 1, 20);
  const auto longest = std::min(policy_.backoff_max, policy_.backoff_first * (1 << doublings));
  std::uniform_int_distribution<int64_t> jitter(0, longest.count());
  const auto pause = std::max(std::chrono::milliseconds(jitter(random_)), at_least);
  if (clock_->Now() + pause >= deadline_) return false;
  clock_->Sleep(pause);
  ++attempts_;
  return true;
}

}  // namespace ocellus::store
