// What happens to a node's gangs when an agent registers. Both run inside the registration's
// transaction.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/state/sqlite.h"
#include "ocellus/v1/worker.pb.h"

namespace ocellus::coordinator {

// Ranks on `node` that another process than `instance` was given have died with it: they end as
// INFRA_PROCESS.
absl::Status EndRanksOfOthers(Database& db, const std::string& node, const std::string& instance,
                              absl::Time now);

// Whether the announced gang is current; if so, GANG_ADOPTED goes into its history.
absl::StatusOr<bool> Adopt(Database& db, const std::string& node, const v1::GangRef& gang,
                           absl::Time now);

}  // namespace ocellus::coordinator
