// SIGTERM and SIGINT as a value to wait for, instead of a handler.
#pragma once

#include "absl/time/time.h"

namespace ocellus::coordinator {

// Make one in main before any thread starts: it blocks the two signals in this thread and thereby
// in all that follow, and ignores SIGPIPE. A child process inherits both; RestoreSignals undoes it
// between fork and exec.
class ShutdownSignal {
 public:
  ShutdownSignal();
  // The signal's number, or 0 after `timeout`.
  int Wait(absl::Duration timeout = absl::InfiniteDuration());
};

// Async-signal-safe.
void RestoreSignals();

}  // namespace ocellus::coordinator
