// The samples of a run that could not be decoded: each counted and reported once.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_set>

namespace ocellus::data {

// Thread-safe.
class BadSamples {
 public:
  // `limit`: that many are borne. `on_warning` gets one line each; it may be empty.
  BadSamples(int64_t limit, std::function<void(const std::string&)> on_warning)
      : limit_(limit), on_warning_(std::move(on_warning)) {}

  // Throws wire::Fault (user, TOO_MANY_BAD_SAMPLES) that names the last files once there are more
  // than `limit`.
  void Report(int64_t index, const std::string& key, const std::string& problem);

  // That Fault, for a caller that found no sound sample at all.
  [[noreturn]] void GiveUp() const;

  int64_t count() const;

 private:
  [[noreturn]] void Throw() const;

  const int64_t limit_;
  const std::function<void(const std::string&)> on_warning_;
  mutable std::mutex mutex_;
  std::unordered_set<int64_t> seen_;
  std::deque<std::string> last_;  // newest at the back
};

}  // namespace ocellus::data
