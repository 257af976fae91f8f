// Where a job's results lie: one object for each kind, the newest. URIs are relative to the store.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/state/sqlite.h"

namespace ocellus::coordinator {

absl::Status WriteArtifact(Database& db, const std::string& job_id, const std::string& kind,
                           const std::string& uri, absl::Time now);
// Kind to URI.
absl::StatusOr<std::map<std::string, std::string>> ReadArtifacts(Database& db,
                                                                 const std::string& job_id);

}  // namespace ocellus::coordinator
