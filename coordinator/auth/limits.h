// How much one principal may ask for, so that nobody starves the others. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "coordinator/auth/caller.h"
#include "coordinator/base/clock.h"

namespace ocellus::coordinator {

struct CallLimits {
  // Calls a second over a longer time; twice as many at once.
  double user_rate = 100;
  double node_rate = 1000;
  // Of an address whose calls have no valid credential.
  double anonymous_rate = 20;
  // Open at a time.
  int streams = 64;
};

class Limiter {
 public:
  // `clock` outlives it.
  Limiter(const CallLimits& limits, const Clock* clock) : limits_(limits), clock_(clock) {}

  // Takes one call of the caller. RESOURCE_EXHAUSTED / RATE_LIMITED with RetryInfo.
  absl::Status Take(const Caller& caller);
  // Whether an address that only offered bad credentials may try another one.
  absl::Status TakeAnonymous(const std::string& address);
  // A stream more, until CloseStream. RESOURCE_EXHAUSTED / RATE_LIMITED.
  absl::Status OpenStream(const Caller& caller);
  void CloseStream(const Caller& caller);

 private:
  struct Bucket {
    double level = 0;
    absl::Duration filled;
    int streams = 0;
  };
  absl::Status TakeFrom(const std::string& key, double rate);
  void Forget();

  const CallLimits limits_;
  const Clock* clock_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace ocellus::coordinator
