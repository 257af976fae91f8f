#include "coordinator/state/migrations.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {
namespace {

// Times are microseconds since 1970, enums their Protobuf numbers, BLOBs serialized messages.
constexpr char kFirst[] = R"(
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  project TEXT NOT NULL,
  name TEXT NOT NULL,
  state INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  message TEXT NOT NULL,
  since INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  ranks INTEGER NOT NULL,
  device INTEGER NOT NULL,
  spec BLOB NOT NULL,
  resolved TEXT NOT NULL,
  generation INTEGER NOT NULL,
  version INTEGER NOT NULL,
  created INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  parent TEXT NOT NULL,
  backoff_until INTEGER NOT NULL,
  user_failures INTEGER NOT NULL,
  unknown_failures INTEGER NOT NULL,
  fruitless INTEGER NOT NULL,
  failures_since_commit INTEGER NOT NULL,
  last_failure BLOB NOT NULL
);
CREATE INDEX jobs_by_name ON jobs (name, seq);
CREATE INDEX jobs_by_state ON jobs (state, seq);

CREATE TABLE generations (
  job TEXT NOT NULL,
  g INTEGER NOT NULL,
  world INTEGER NOT NULL,
  cause_started TEXT NOT NULL,
  outcome TEXT NOT NULL,
  class INTEGER NOT NULL,
  started INTEGER NOT NULL,
  first_step INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  steps INTEGER NOT NULL,
  productive_s REAL NOT NULL,
  PRIMARY KEY (job, g)
) WITHOUT ROWID;

CREATE TABLE placements (
  job TEXT NOT NULL,
  g INTEGER NOT NULL,
  rank INTEGER NOT NULL,
  node TEXT NOT NULL,
  gpu INTEGER NOT NULL,
  instance TEXT NOT NULL,
  ended INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  step INTEGER NOT NULL,
  failure BLOB NOT NULL,
  PRIMARY KEY (job, g, rank)
) WITHOUT ROWID;
CREATE INDEX placements_running ON placements (node) WHERE ended = 0;

CREATE TABLE nodes (
  name TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,
  instance TEXT NOT NULL,
  state INTEGER NOT NULL,
  inventory BLOB NOT NULL,
  metrics_address TEXT NOT NULL,
  version TEXT NOT NULL,
  strikes INTEGER NOT NULL,
  last_seen INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE uploads (
  job TEXT NOT NULL,
  upload_id TEXT NOT NULL,
  g INTEGER NOT NULL,
  step INTEGER NOT NULL,
  prefix TEXT NOT NULL,
  began INTEGER NOT NULL,
  PRIMARY KEY (job, upload_id)
) WITHOUT ROWID;

CREATE TABLE checkpoints (
  job TEXT NOT NULL,
  upload_id TEXT NOT NULL,
  step INTEGER NOT NULL,
  g INTEGER NOT NULL,
  prefix TEXT NOT NULL,
  sha TEXT NOT NULL,
  state INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  committed INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  swept INTEGER NOT NULL,
  PRIMARY KEY (job, upload_id)
) WITHOUT ROWID;
CREATE INDEX checkpoints_by_step ON checkpoints (job, step);

CREATE TABLE job_events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  job TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  type INTEGER NOT NULL,
  data BLOB NOT NULL
);
CREATE INDEX job_events_by_job ON job_events (job, seq);

CREATE TABLE artifacts (
  job TEXT NOT NULL,
  kind TEXT NOT NULL,
  uri TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (job, kind)
) WITHOUT ROWID;

CREATE TABLE idempotency (
  project TEXT NOT NULL,
  principal TEXT NOT NULL,
  request_id TEXT NOT NULL,
  hash TEXT NOT NULL,
  job TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (project, principal, request_id)
) WITHOUT ROWID;
)";

// Retention by hand and by merit, and what tells a checkpoint that is sound but leads nowhere.
constexpr char kCheckpointCare[] = R"(
ALTER TABLE checkpoints ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE checkpoints ADD COLUMN metric REAL;
ALTER TABLE checkpoints ADD COLUMN bad_restarts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE generations ADD COLUMN restored_step INTEGER NOT NULL DEFAULT 0;
ALTER TABLE generations ADD COLUMN restored_uri TEXT NOT NULL DEFAULT '';
)";

// Who may do what, and who did. Secrets are kept as their SHA-256 alone.
constexpr char kAccess[] = R"(
CREATE TABLE tokens (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  hash TEXT NOT NULL UNIQUE,
  principal TEXT NOT NULL,
  label TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  revoked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE role_bindings (
  principal TEXT NOT NULL,
  project TEXT NOT NULL,
  role INTEGER NOT NULL,
  PRIMARY KEY (principal, project)
) WITHOUT ROWID;
CREATE TABLE join_tokens (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  node TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  uses_left INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE node_certificates (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  serial TEXT NOT NULL UNIQUE,
  node TEXT NOT NULL,
  issued INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  revoked INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX node_certificates_by_node ON node_certificates (node, seq);
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  peer TEXT NOT NULL,
  method TEXT NOT NULL,
  project TEXT NOT NULL,
  request TEXT NOT NULL,
  result TEXT NOT NULL,
  message TEXT NOT NULL,
  request_id TEXT NOT NULL
);
)";

absl::StatusOr<int64_t> Version(Database& db) {
  OCELLUS_RETURN_IF_ERROR(db.Script(
      "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, at INTEGER)"));
  Statement row = db.Query("SELECT COALESCE(MAX(version), 0) FROM schema_version");
  const int64_t version = row.Next() ? row.Int(0) : 0;
  OCELLUS_RETURN_IF_ERROR(row.status());
  return version;
}

absl::Status Apply(Database& db, int64_t version, const std::string& step) {
  OCELLUS_RETURN_IF_ERROR(db.Script("BEGIN IMMEDIATE"));
  absl::Status status = db.Script(step);
  if (status.ok()) {
    status = db.Run("INSERT INTO schema_version (version, at) VALUES (?, ?)", version, absl::Now());
  }
  if (status.ok()) {
    status = db.Script("COMMIT");
  }
  if (!status.ok()) {
    db.Script("ROLLBACK").IgnoreError();
  }
  return status;
}

}  // namespace

const std::vector<std::string>& Migrations() {
  static const auto* const migrations =
      new std::vector<std::string>{kFirst, kCheckpointCare, kAccess};
  return *migrations;
}

absl::Status Migrate(Database& db, const std::vector<std::string>& migrations) {
  OCELLUS_ASSIGN_OR_RETURN(int64_t version, Version(db));
  const auto known = static_cast<int64_t>(migrations.size());
  if (version > known) {
    return absl::FailedPreconditionError(
        absl::StrCat("the data folder was written by a newer Ocellus (store version ", version,
                     ", this program knows ", known, "); install that version again"));
  }
  for (; version < known; ++version) {
    OCELLUS_RETURN_IF_ERROR(Apply(db, version + 1, migrations[version]));
  }
  return absl::OkStatus();
}

}  // namespace ocellus::coordinator
