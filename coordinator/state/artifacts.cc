#include "coordinator/state/artifacts.h"

#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {

absl::Status WriteArtifact(Database& db, const std::string& job_id, const std::string& kind,
                           const std::string& uri, absl::Time now) {
  return db.Run("INSERT OR REPLACE INTO artifacts (job, kind, uri, at) VALUES (?, ?, ?, ?)", job_id,
                kind, uri, now);
}

absl::StatusOr<std::map<std::string, std::string>> ReadArtifacts(Database& db,
                                                                 const std::string& job_id) {
  Statement rows = db.Query("SELECT kind, uri FROM artifacts WHERE job = ?", job_id);
  std::map<std::string, std::string> artifacts;
  while (rows.Next()) {
    artifacts[rows.Text(0)] = rows.Text(1);
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return artifacts;
}

}  // namespace ocellus::coordinator
