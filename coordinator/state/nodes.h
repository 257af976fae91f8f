// Rows of nodes: what must outlive the coordinator, above all the session's epoch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/state/sqlite.h"
#include "ocellus/v1/service.pb.h"
#include "ocellus/v1/worker.pb.h"

namespace ocellus::coordinator {

struct NodeRow {
  std::string name;
  int64_t epoch = 0;     // of the newest session; grows
  std::string instance;  // the agent process that has it
  v1::NodeState state = v1::NODE_STATE_READY;
  v1::Inventory inventory;
  std::string metrics_address;
  std::string version;
  int strikes = 0;
  absl::Time last_seen = absl::InfinitePast();  // as of the last write
};

// By name.
absl::StatusOr<std::vector<NodeRow>> ReadNodes(Database& db);
// Inserts or replaces.
absl::Status WriteNode(Database& db, const NodeRow& node);
// A name that never comes again.
absl::Status DeleteNode(Database& db, const std::string& name);

}  // namespace ocellus::coordinator
