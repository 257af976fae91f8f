// Facts that agents report about gangs: durable ones into the store, the rest into LiveGangs.
// Thread-safe.
#pragma once

#include "absl/status/status.h"
#include "coordinator/base/clock.h"
#include "coordinator/fleet/live_gangs.h"
#include "coordinator/state/store.h"
#include "ocellus/v1/worker.pb.h"

namespace ocellus::coordinator {

// FAILED_PRECONDITION / STALE_GENERATION unless the gang is current and has ranks on the node.
absl::Status CheckGang(const Store& store, const v1::GangRef& gang, const std::string& node);

class Reports {
 public:
  // All outlive it.
  Reports(Store* store, LiveGangs* live, const Clock* clock)
      : store_(store), live_(live), clock_(clock) {}

  // In order, all or nothing. STALE_GENERATION when one of the gangs is not current on the node.
  // Ends are durable when this returns OK.
  absl::Status Apply(const v1::ReportEventsRequest& request);

 private:
  absl::Status Keep(Database& db, const std::string& node, const v1::GangEvent& event);
  void Show(const v1::GangEvent& event);

  Store* store_;
  LiveGangs* live_;
  const Clock* clock_;
};

}  // namespace ocellus::coordinator
