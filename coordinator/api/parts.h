// What the services stand on. All outlive them.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "coordinator/auth/authority.h"
#include "coordinator/auth/gate.h"
#include "coordinator/base/clock.h"
#include "coordinator/base/metrics.h"
#include "coordinator/fleet/fleet.h"
#include "coordinator/fleet/live_gangs.h"
#include "coordinator/fleet/reports.h"
#include "coordinator/state/ledger.h"
#include "coordinator/state/log_files.h"
#include "coordinator/state/store.h"

namespace ocellus::coordinator {

struct ApiParts {
  Store* store = nullptr;
  Fleet* fleet = nullptr;
  LiveGangs* live = nullptr;
  Reports* reports = nullptr;
  Ledger* ledger = nullptr;
  LogFiles* logs = nullptr;
  Metrics* metrics = nullptr;
  const Clock* clock = nullptr;
  std::string metrics_address;
  Gate* gate = nullptr;
  Authority* authority = nullptr;  // null in local mode
};

}  // namespace ocellus::coordinator
