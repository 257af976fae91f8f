// The reconcile loop: what is, what should be, one step from one to the other. Only here, and in
// what this calls, does a job change its state without a person asking. Each pass reads the store
// afresh, so a pass that is cut off anywhere is made good by the next.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/base/clock.h"
#include "coordinator/base/metrics.h"
#include "coordinator/control/gang_rules.h"
#include "coordinator/control/gauges.h"
#include "coordinator/control/orders.h"
#include "coordinator/control/placer.h"
#include "coordinator/control/provisioner.h"
#include "coordinator/fleet/fleet.h"
#include "coordinator/state/ledger.h"
#include "coordinator/state/store.h"

namespace ocellus::coordinator {

struct ControlOptions {
  GangLimits limits;
  absl::Duration backoff_base = absl::Seconds(10);
  absl::Duration tick = absl::Seconds(1);  // the longest wait between two passes
  absl::Duration tidy_every = absl::Minutes(10);
};

class Reconciler {
 public:
  // What it works on; all outlive it.
  struct Parts {
    Store* store;
    Fleet* fleet;
    LiveGangs* live;
    Ledger* ledger;
    Metrics* metrics;
    const Clock* clock;
    Launcher* launcher = nullptr;  // null: workers are started by people
  };
  Reconciler(Parts parts, ControlOptions options);
  ~Reconciler();

  // One pass. What goes wrong with one job leaves the others alone; trouble of the store ends the
  // pass. The first error.
  absl::Status RunOnce();

  // Passes in a thread of its own, at each change of the store and at each tick.
  void Start();
  void Stop();

 private:
  absl::Status Watch();    // 1. leases, workers that are gone
  absl::Status Advance();  // 2. gangs: started, to be stopped, ended
  absl::Status Place();    // 3. pending jobs
  absl::Status Command();  // 4. orders
  absl::Status Tidy();     // 5. what is old

  absl::StatusOr<std::vector<GangRow>> ReadGangs() const;
  std::map<std::string, NodeStatus> ReadNodes() const;
  absl::Status AdvanceGang(const GangRow& gang, const std::map<std::string, NodeStatus>& nodes);
  absl::Status AdvanceStopping(const GangRow& gang, const std::map<std::string, NodeStatus>& nodes);
  absl::Status Change(const GangRow& gang, const StateChange& change);
  void Loop();

  const Parts parts_;
  const ControlOptions options_;
  const absl::Duration started_;
  Orders orders_;
  Gauges gauges_;
  Provisioner provisioner_;
  Placer placer_;
  absl::Duration last_tidy_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace ocellus::coordinator
