// "Something changed": wakes loops and watchers without saying what. A waiter keeps the number that
// it saw last, so that no change is missed between its look and its wait. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "absl/time/time.h"

namespace ocellus::coordinator {

class Beacon {
 public:
  // Number of changes so far.
  int64_t Seen() const;
  void Notify();
  // Returns once there is a change after `seen`, or after `timeout`, or after Close; the number
  // now.
  int64_t Wait(int64_t seen, absl::Duration timeout) const;
  // From now on no Wait blocks: the process ends.
  void Close();
  bool closed() const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  int64_t changes_ = 0;
  bool closed_ = false;
};

}  // namespace ocellus::coordinator
