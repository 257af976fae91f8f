// The coordinator's series about jobs and nodes, brought up to date once a pass of the reconcile
// loop. One thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/base/clock.h"
#include "coordinator/base/metrics.h"
#include "coordinator/control/gang_end.h"
#include "coordinator/fleet/fleet.h"
#include "coordinator/state/gangs.h"

namespace ocellus::coordinator {

class Gauges {
 public:
  // All outlive it. Makes the counters exist at 0.
  Gauges(Store* store, LiveGangs* live, Metrics* metrics, const Clock* clock);

  absl::Status Update(const std::vector<GangRow>& gangs, const std::vector<NodeStatus>& nodes);

  void Placed(const JobRow& job, absl::Duration waited, const std::string& cause);
  void FirstStep(const GangRow& gang, const std::string& project);
  void Ended(const GangRow& gang, const GangOutcome& outcome);

 private:
  struct Tracked {
    int64_t best_step = 0;  // steps up to here are not productive a second time
    absl::Duration seen;    // last pass in which it was active
    std::string project;
  };
  absl::Status CountJobsByState();
  absl::Status CountSlots(const std::vector<NodeStatus>& nodes);
  absl::Status Track(const std::vector<GangRow>& gangs);
  void CountProjects(const std::vector<GangRow>& gangs);
  // The job's project.
  absl::StatusOr<std::string> ShowInfo(const std::string& job_id);
  void ForgetOld();

  Store* store_;
  LiveGangs* live_;
  Metrics* metrics_;
  const Clock* clock_;
  absl::Duration last_pass_;
  std::map<std::string, Tracked> tracked_;  // by job
};

}  // namespace ocellus::coordinator
