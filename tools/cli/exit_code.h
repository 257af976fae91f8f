// What `ocellus` ends with, for scripts.
#pragma once

#include "absl/status/status.h"
#include "ocellus/v1/job.pb.h"

namespace ocellus::cli {

enum ExitCode {
  kSucceeded = 0,
  kFailed = 1,
  kUsage = 2,  // a mistake in arguments or document
  kNotFound = 3,
  kDenied = 4,
  kUnavailable = 5,
  kTimedOut = 6,
  kCancelled = 7,
};

ExitCode CodeOf(const absl::Status& status);

// Of a job in a final state; kFailed for any other.
ExitCode CodeOf(v1::JobState state);

bool IsFinal(v1::JobState state);

}  // namespace ocellus::cli
