// What agents must be told, derived from the state each time: start what was placed and not seen,
// stop what is STOPPING, kill what outlasts its grace. An order is repeated until reports show that
// it was followed. One thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/base/clock.h"
#include "coordinator/fleet/fleet.h"
#include "coordinator/state/gangs.h"
#include "coordinator/state/ledger.h"
#include "coordinator/state/store.h"

namespace ocellus::coordinator {

class Orders {
 public:
  // All outlive it.
  Orders(Store* store, Fleet* fleet, LiveGangs* live, const Clock* clock)
      : store_(store), fleet_(fleet), live_(live), clock_(clock) {}

  // Sends what is due for these gangs and forgets what it knew of others.
  absl::Status Send(const std::vector<GangRow>& gangs);

  // Nodes of a STOPPING gang whose agent does not have it any more, and was told to end it, long
  // enough ago: nothing will be reported from there.
  std::set<std::string> WithoutGang(const GangRow& gang) const;

 private:
  enum class Kind { kNone, kStart, kStop, kKill };
  struct Sent {
    Kind kind = Kind::kNone;
    v1::JobReason cause = v1::JOB_REASON_UNSPECIFIED;
    absl::Duration first;
    absl::Duration last;
  };
  using Key = std::tuple<std::string, int64_t, std::string>;  // job, generation, node

  Kind Due(const GangRow& gang, const std::string& node, absl::Duration grace) const;
  absl::Status SendTo(const GangRow& gang, const std::string& node);
  absl::StatusOr<v1::SessionResponse> Make(Kind kind, const GangRow& gang);
  absl::StatusOr<v1::StartGang> MakeStart(Database& db, const GangRow& gang);

  Store* store_;
  Fleet* fleet_;
  LiveGangs* live_;
  const Clock* clock_;
  std::map<Key, Sent> sent_;
};

}  // namespace ocellus::coordinator
