// What was last heard of each gang: steps, phases, announcements. Not durable: after a restart of
// the coordinator it fills again from heartbeats and reports. Times are the monotonic clock's.
// Thread-safe.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/base/beacon.h"
#include "coordinator/base/clock.h"
#include "coordinator/fleet/loss_trail.h"
#include "ocellus/v1/worker.pb.h"

namespace ocellus::coordinator {

struct LiveRank {
  bool started = false;
  int64_t step = 0;
  std::string phase;  // "init", "data", "train", "checkpoint", "eval", "export"; empty is train
};

struct Announcement {
  absl::Duration at;
  bool stopping = false;
};

struct LiveGang {
  int64_t generation = 0;
  std::map<int, LiveRank> ranks;
  std::optional<v1::Progress> progress;           // newest of rank 0
  int64_t step = 0;                               // newest of any rank
  int64_t first_step = 0;                         // the first that was heard of
  absl::Duration first_heard;                     // of anything
  absl::Duration moved_at;                        // last newer step or change of phase
  absl::Duration step_at;                         // last newer step
  std::deque<absl::Duration> step_durations;      // newest last, bounded
  std::map<std::string, Announcement> announced;  // by node: last heartbeat that listed the gang
  std::map<int, int64_t> stop_acks;               // rank to the step it stops at

  absl::Duration median_step() const;  // zero when unknown
  // The phase that excuses a pause: of any rank that is not training; empty when all train.
  std::string pause() const;
};

class LiveGangs {
 public:
  explicit LiveGangs(const Clock* clock) : clock_(clock) {}

  void Announce(const std::string& node, const v1::GangStatus& status);
  void Started(const v1::GangRef& gang, int rank);
  void Progressed(const v1::GangRef& gang, int rank, const v1::Progress& progress);
  void StopAcked(const v1::GangRef& gang, int rank, int64_t step);
  void Forget(const std::string& job_id);

  // Nothing when this generation was not heard of.
  std::optional<LiveGang> Get(const std::string& job_id, int64_t generation) const;
  // Of all generations of the job that were heard of; empty when none was.
  std::vector<LossPoint> Trail(const std::string& job_id) const;

  // Notified when there is something new to show.
  Beacon& changes() { return changes_; }

 private:
  LiveGang& Entry(const v1::GangRef& gang);  // mutex_ is held

  const Clock* clock_;
  mutable std::mutex mutex_;
  std::map<std::string, LiveGang> gangs_;    // by job
  std::map<std::string, LossTrail> trails_;  // by job
  Beacon changes_;
};

}  // namespace ocellus::coordinator
