// When to try again: doubling waits, spread so that many agents do not come back at one moment.
#pragma once

#include <algorithm>
#include <random>

#include "worker/agent/limits.h"

namespace ocellus::agent {

// Not thread-safe.
class Retry {
 public:
  explicit Retry(const Limits& limits) : Retry(limits.retry_first, limits.retry_last) {}
  Retry(Millis first, Millis last) : first_(std::min(first, last)), last_(last), next_(first_) {}

  // How long to wait after one more failure: within 20 % of first, 2 x first ... last.
  Millis Failed() {
    std::uniform_real_distribution<double> spread(0.8, 1.2);
    const Millis wait(static_cast<int64_t>(static_cast<double>(next_.count()) * spread(random_)));
    next_ = std::min(next_ * 2, last_);
    return wait;
  }
  void Succeeded() { next_ = first_; }

 private:
  Millis first_;
  Millis last_;
  Millis next_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace ocellus::agent
