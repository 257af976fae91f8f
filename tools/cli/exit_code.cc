#include "tools/cli/exit_code.h"

namespace ocellus::cli {

ExitCode CodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kSucceeded;
    case absl::StatusCode::kInvalidArgument:
      return kUsage;
    case absl::StatusCode::kNotFound:
      return kNotFound;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kDenied;
    case absl::StatusCode::kUnavailable:
      return kUnavailable;
    case absl::StatusCode::kDeadlineExceeded:
      return kTimedOut;
    case absl::StatusCode::kCancelled:
      return kCancelled;
    default:
      return kFailed;
  }
}

ExitCode CodeOf(v1::JobState state) {
  if (state == v1::JOB_STATE_SUCCEEDED) {
    return kSucceeded;
  }
  return state == v1::JOB_STATE_CANCELLED ? kCancelled : kFailed;
}

bool IsFinal(v1::JobState state) {
  return state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
         state == v1::JOB_STATE_CANCELLED;
}

}  // namespace ocellus::cli
