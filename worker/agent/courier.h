// Carries what one gang has to say to the coordinator: facts in order, logs, checkpoints, ends.
// Nothing is given up because the coordinator is away.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "ocellus/v1/worker.pb.h"
#include "worker/agent/coordinator_link.h"
#include "worker/agent/limits.h"
#include "worker/agent/log_spool.h"
#include "worker/agent/retry.h"
#include "worker/wire/command.h"
#include "worker/wire/event.h"

namespace ocellus::agent {

// A rank's end is sent last: after its logs, its facts and (rank 0) its commit have been answered.
// Four lanes (checkpoints, facts, logs, ends) wait and repeat each on its own, so that a commit
// that the store delays holds up no progress. Thread-safe.
class Courier {
 public:
  // Called on the courier's thread.
  struct Callbacks {
    std::function<void(const wire::CheckpointGrant&)> granted;
    // `seconds`: how long the commit took.
    std::function<void(const wire::CheckpointResult&, double seconds)> settled;
    // Last calls, one of them once: every end has been acknowledged; the gang is not current; the
    // session is not.
    std::function<void()> delivered;
    std::function<void()> gang_stale;
    std::function<void(const absl::Status&)> session_stale;
  };

  // `ranks`: those of this node. `link` must outlive this.
  Courier(v1::GangRef gang, const std::vector<int>& ranks, const std::string& spool_folder,
          CoordinatorLink* link, const Limits& limits, Callbacks callbacks);
  // Gives up what is undelivered. Waits for a call in flight, so shut the link down before unless
  // one of the last callbacks was made.
  ~Courier();

  LogSpool* spool(int rank) { return spools_.at(rank).get(); }
  int64_t dropped_lines() const;
  // The spools have new lines.
  void Wake();

  // Over kEventsMax waiting ones, warnings and artifacts are dropped (and logged here).
  void Add(v1::GangEvent event);
  // Replaces the rank's earlier progress when that has not been sent. `at_once`: the phase changed.
  void SetProgress(int rank, const v1::Progress& progress, bool at_once);
  void BeginCheckpoint(int64_t step);
  void CommitCheckpoint(wire::CheckpointReady ready);
  void ReportDamage(wire::Damaged damaged);
  void End(int rank, v1::RankEnded ended);

 private:
  struct ProgressSlot {
    v1::GangEvent event;
    bool dirty = false;
    bool at_once = true;
    SteadyTime sent{};
  };
  // Work of one kind, and when it may be tried.
  struct Lane {
    explicit Lane(const Limits& limits) : retry(limits) {}
    Retry retry;
    SteadyTime due{};
  };
  struct Commit {
    wire::CheckpointReady ready;
    SteadyTime since;
    std::optional<SteadyTime> store_refused_since;
  };

  void Run();
  // Each does what is due in its lane and says when it wants to be called again.
  SteadyTime ServeCheckpoints();
  SteadyTime ServeEvents();
  SteadyTime ServeLogs();
  SteadyTime ServeEnds();

  void TryDamage(const wire::Damaged& damaged);
  void TryBegin(int64_t step);
  void TryCommit(Commit commit);
  void Settle(const Commit& commit, wire::CheckpointResult result);
  bool CommitIsHopeless(const absl::Status& status, Commit* commit) const;
  SteadyTime CollectEvents(v1::ReportEventsRequest* request, size_t* queued,
                           std::vector<int>* progressed);
  bool EndIsReady(int rank) const;
  // Books an answer: sets the lane's next time and ends the run when the gang or session is stale.
  Verdict Book(const absl::Status& status, const char* call, Lane* lane);
  v1::GangEvent NewEvent(int rank) const;

  const v1::GangRef gang_;
  CoordinatorLink* const link_;
  const Limits limits_;
  const Callbacks callbacks_;
  std::map<int, std::unique_ptr<LogSpool>> spools_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;
  std::deque<v1::GangEvent> events_;
  std::map<int, ProgressSlot> progress_;
  std::map<int, v1::GangEvent> ends_;
  std::optional<int64_t> begin_;
  std::optional<Commit> commit_;
  std::deque<wire::Damaged> damaged_;

  // The courier's thread only.
  Lane checkpoint_lane_, event_lane_, log_lane_, end_lane_;
  size_t ends_left_;
  std::function<void()> last_call_;
  std::thread thread_;
};

}  // namespace ocellus::agent
