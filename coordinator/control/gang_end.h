// The end of a generation: from the ranks' ends to the job's next state, in one transaction.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "coordinator/base/clock.h"
#include "coordinator/fleet/live_gangs.h"
#include "coordinator/job/verdict.h"
#include "coordinator/state/gangs.h"
#include "coordinator/state/store.h"

namespace ocellus::coordinator {

struct GangOutcome {
  JobRow job;  // after the change
  Verdict verdict;
  int64_t lost_steps = 0;  // done after the last commit
};

// REQUIRES: gang.all_ended() and the job is STOPPING. `live` is null when nothing was heard of the
// gang.
absl::StatusOr<GangOutcome> EndGang(Store* store, const GangRow& gang, const LiveGang* live,
                                    const Clock& clock, absl::Duration backoff_base);

// The rank ends as `outcome` without its agent's word: fenced or lost.
absl::Status EndRank(Store* store, const GangRow& gang, const RankRow& rank, const char* outcome,
                     v1::FailureClass failure_class, const std::string& message,
                     const Clock& clock);

}  // namespace ocellus::coordinator
