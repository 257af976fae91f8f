// What people read of a fenced gang: one STALE_REJECTED event in its job's history, however often
// the gang tries. Thread-safe.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "coordinator/base/clock.h"
#include "coordinator/state/store.h"
#include "ocellus/v1/worker.pb.h"

namespace ocellus::coordinator {

class StaleHistory {
 public:
  // Both must outlive this.
  StaleHistory(Store* store, const Clock* clock) : store_(store), clock_(clock) {}

  // After `node` was refused `what` ("CommitCheckpoint") with STALE_GENERATION; other statuses are
  // passed over. Jobs and generations that never were leave no trace. A store that cannot write
  // just now is logged: the refusal stands without the row.
  void AddRefusal(const std::string& node, const std::string& what, const absl::Status& status);

  // After `node` announced a gang that is not current. Ranks that have ended by themselves and
  // wait to be forgotten are no trouble.
  void AddAnnounced(const std::string& node, const v1::GangStatus& gang);

 private:
  void Add(const std::string& node, const std::string& what, const v1::GangRef& gang);

  Store* const store_;
  const Clock* const clock_;
  std::mutex mutex_;
  // Those that have their row, of this process's life; emptied when it grows large.
  std::set<std::pair<std::string, int64_t>> told_;
};

}  // namespace ocellus::coordinator
