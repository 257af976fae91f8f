// The states of a job and what may follow what. Pure.
//
//   PENDING -> STARTING -> RUNNING -> STOPPING -> { PENDING, SUCCEEDED, FAILED, CANCELLED, HELD }
//   PENDING -> HELD, CANCELLED;  HELD -> PENDING, CANCELLED;  STARTING -> STOPPING
//
// STOPPING is durable: its reason is the cause, and its slots stay charged until every rank's end
// is known. A stop may get a graver cause while it is under way; nothing overtakes CANCEL. Terminal
// states never change.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "ocellus/v1/job.pb.h"
#include "ocellus/v1/service.pb.h"

namespace ocellus::coordinator {

// SUCCEEDED, FAILED, CANCELLED.
bool IsTerminal(v1::JobState state);
// STARTING, RUNNING, STOPPING: a generation of the job is under way.
bool HasGang(v1::JobState state);

// OK, or FAILED_PRECONDITION / WRONG_STATE with what is possible instead.
absl::Status CheckTransition(v1::JobState from, v1::JobReason cause, v1::JobState to,
                             v1::JobReason reason);

// Enum names as people read them, without prefix and in lower case: "pending", "no_progress".
std::string ShortName(v1::JobState state);
std::string ShortName(v1::JobReason reason);
std::string ShortName(v1::FailureClass failure_class);
std::string ShortName(v1::NodeState state);

}  // namespace ocellus::coordinator
