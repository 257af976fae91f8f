// Rows of the audit log: appended, never altered, and kept for a year.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/state/sqlite.h"
#include "ocellus/v1/auth.pb.h"

namespace ocellus::coordinator {

// `entry` needs no seq and no time; they are given on reading.
absl::Status AppendAudit(Database& db, const v1::AuditEntry& entry, absl::Time at);

struct AuditFilter {
  std::string project;     // empty: all
  std::string actor;       // empty: all
  int64_t before_seq = 0;  // 0: from the newest
  int limit = 100;
};
// Newest first.
absl::StatusOr<std::vector<v1::AuditEntry>> ListAudit(Database& db, const AuditFilter& filter);

// Removes what is older than a year.
absl::Status ForgetAudit(Database& db, absl::Time now);

}  // namespace ocellus::coordinator
