// When a gang must stop, and when it has started. Pure: facts in, a verdict out. The rules, first
// that holds:
//
//   a rank failed                                   FAULT
//   a rank ended well                               FINISHING (the others follow)
//   a node's lease ran out, no newer step since     LEASE_LOST
//   STARTING for longer than the deadline           START_TIMEOUT
//   RUNNING, all nodes heard, no step for too long  HANG
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "coordinator/fleet/fleet.h"
#include "coordinator/fleet/live_gangs.h"
#include "coordinator/state/gangs.h"

namespace ocellus::coordinator {

struct GangLimits {
  absl::Duration start = absl::Minutes(10);
  absl::Duration hang_least = absl::Seconds(60);
  int hang_median_steps = 10;
  absl::Duration data_phase = absl::Minutes(10);  // init, data
  absl::Duration long_phase = absl::Minutes(30);  // checkpoint, eval, export
  absl::Duration finish = absl::Minutes(5);       // from the first rank's good end to the last
};

struct GangFacts {
  const GangRow* gang = nullptr;
  const LiveGang* live = nullptr;  // null: not heard of since the coordinator started
  const std::map<std::string, NodeStatus>* nodes = nullptr;
  absl::Time now;
  absl::Duration monotonic;
  absl::Duration watched_since;  // monotonic: when this coordinator began to look
  absl::Duration heartbeat;
};

struct StopWish {
  v1::JobReason cause = v1::JOB_REASON_UNSPECIFIED;
  std::string message;
};

// Of a gang that is STARTING or RUNNING, or STOPPING(FINISHING) which may turn worse.
std::optional<StopWish> FindStop(const GangFacts& facts, const GangLimits& limits);

// Every rank has finished a step.
bool AllStepped(const GangRow& gang, const LiveGang* live);

// How long this gang may go without a newer step or a change of phase.
absl::Duration PauseAllowed(const LiveGang& live, const GangLimits& limits);

}  // namespace ocellus::coordinator
