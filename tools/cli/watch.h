// Waits for a job and shows how it goes.
#pragma once

#include <optional>
#include <string>

#include "tools/cli/session.h"

namespace ocellus::cli {

struct WatchOptions {
  // The state to wait for; absent waits for the end.
  std::optional<v1::JobState> until;
  // A held job waits for a person: a script must not. True ends with kFailed then.
  bool ends_when_held = false;
  // No progress line and no notes.
  bool quiet = false;
};

// Follows the job until it is where `options` say, over restarts of the coordinator. The exit code
// is the job's; kTimedOut after --timeout; kUnavailable when no coordinator answers for long.
ExitCode Watch(Session* session, const std::string& job, const WatchOptions& options);

// "succeeded" (any case) to the state; absent when there is no such state.
std::optional<v1::JobState> ParseState(const std::string& name);

}  // namespace ocellus::cli
