// Rows of checkpoints and uploads. The row is the truth: an object store prefix without a COMMITTED
// row is not a checkpoint, whatever lies under it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/state/sqlite.h"
#include "ocellus/v1/job.pb.h"

namespace ocellus::coordinator {

struct CheckpointRow {
  std::string job_id;
  std::string upload_id;
  int64_t step = 0;
  int64_t generation = 0;
  std::string prefix;  // relative to the store, ends in '/'
  std::string sha256;  // of the manifest
  v1::CheckpointState state = v1::CHECKPOINT_STATE_UNSPECIFIED;
  int64_t bytes = 0;  // of its files and the manifest
  absl::Time committed = absl::InfinitePast();
  bool pinned = false;
  std::optional<double> metric;  // the policy's best_metric, when its manifest has it
  int bad_restarts = 0;          // gangs that failed soon after they began from it
};

v1::Checkpoint ToProto(const CheckpointRow& row, const std::string& store_uri);

// Newest step first; of any state but DELETED, those below `before_step` (0: all).
absl::StatusOr<std::vector<CheckpointRow>> ListCheckpoints(Database& db, const std::string& job_id,
                                                           int64_t before_step, int limit);
// COMMITTED only, newest first: what a gang may restore from.
absl::StatusOr<std::vector<CheckpointRow>> RestoreList(Database& db, const std::string& job_id);
absl::StatusOr<std::optional<CheckpointRow>> FindUpload(Database& db, const std::string& job_id,
                                                        const std::string& upload_id);
// Step of the newest COMMITTED one, 0 when there is none.
absl::StatusOr<int64_t> CommittedStep(Database& db, const std::string& job_id);
// Whether this generation has committed anything.
absl::StatusOr<bool> HasCommitted(Database& db, const std::string& job_id, int64_t generation);
// Whether the job ever committed, though all of it may be damaged now.
absl::StatusOr<bool> EverCommitted(Database& db, const std::string& job_id);

absl::Status InsertUpload(Database& db, const CheckpointRow& upload, absl::Time now);
// The upload becomes a COMMITTED checkpoint.
absl::Status InsertCheckpoint(Database& db, const CheckpointRow& row);
absl::Status MarkCheckpoint(Database& db, const CheckpointRow& row, v1::CheckpointState state,
                            absl::Time now);

// Prefixes whose bytes nobody needs and that are older than `before`: uploads that never committed
// of generations that are not current, and deleted checkpoints whose agent may have missed them.
struct Garbage {
  std::string job_id;
  std::string upload_id;
  std::string prefix;
};
absl::StatusOr<std::vector<Garbage>> FindGarbage(Database& db, absl::Time before, int limit);
absl::Status MarkSwept(Database& db, const Garbage& garbage);

}  // namespace ocellus::coordinator
