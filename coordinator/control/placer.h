// From pending jobs to gangs: asks the scheduler for a plan of what is, starts the generations that
// it places, and tells every other job why it waits. One thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/base/clock.h"
#include "coordinator/control/gauges.h"
#include "coordinator/control/provisioner.h"
#include "coordinator/fleet/fleet.h"
#include "coordinator/scheduler/plan.h"
#include "coordinator/state/jobs.h"
#include "coordinator/state/store.h"

namespace ocellus::coordinator {

class Placer {
 public:
  // All outlive it.
  Placer(Store* store, Fleet* fleet, Provisioner* provisioner, Gauges* gauges, const Clock* clock);

  // What goes wrong with one job leaves the others alone; trouble of the store ends it. The first
  // error.
  absl::Status PlaceAll();

 private:
  // What one plan is made from, read afresh each time.
  struct Situation {
    Snapshot snapshot;
    std::map<std::string, PendingRow> pending;     // by job
    std::map<std::string, std::string> instances;  // of the agents, by node
  };
  absl::StatusOr<Situation> Look() const;
  absl::Status Commit(const Placement& placement,
                      const std::map<std::string, std::string>& instances);
  absl::Status Explain(const std::vector<Waiting>& waiting,
                       const std::map<std::string, PendingRow>& pending);

  Store* store_;
  Fleet* fleet_;
  Provisioner* provisioner_;
  Gauges* gauges_;
  const Clock* clock_;
};

}  // namespace ocellus::coordinator
