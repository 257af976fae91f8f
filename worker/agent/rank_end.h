// Why a rank ended, from its exit record and what the kernel says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ocellus/v1/worker.pb.h"
#include "worker/wire/event.h"

namespace ocellus::agent {

struct RankDeath {
  int rank = 0;
  int wait_status = 0;  // of waitpid
  std::optional<wire::ExitRecord> record;
  // The agent sent SIGTERM or SIGKILL.
  bool killed_by_us = false;
  int64_t last_step = 0;
  std::vector<std::string> last_lines;
};

// The record when there is one; else KILLED, DIED or NO_RECORD (docs/PROTOCOL.md).
v1::RankEnded JudgeRank(const RankDeath& death);

// For a rank that could not be started.
v1::RankEnded JudgeFailedStart(const absl::Status& status);

// Whether this end is one of a gang that goes on or finishes: not a failure.
bool EndedWell(const v1::RankEnded& ended);

}  // namespace ocellus::agent
