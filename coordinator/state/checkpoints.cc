#include "coordinator/state/checkpoints.h"

#include "coordinator/base/status_macros.h"
#include "coordinator/state/events.h"
#include "worker/store/store_uri.h"

namespace ocellus::coordinator {
namespace {

#define OCELLUS_CHECKPOINT_COLUMNS                                                         \
  "SELECT job, upload_id, step, g, prefix, sha, state, bytes, committed, pinned, metric, " \
  "bad_restarts FROM checkpoints "

absl::StatusOr<std::vector<CheckpointRow>> All(Statement rows) {
  std::vector<CheckpointRow> checkpoints;
  while (rows.Next()) {
    CheckpointRow& row = checkpoints.emplace_back();
    row.job_id = rows.Text(0);
    row.upload_id = rows.Text(1);
    row.step = rows.Int(2);
    row.generation = rows.Int(3);
    row.prefix = rows.Text(4);
    row.sha256 = rows.Text(5);
    row.state = static_cast<v1::CheckpointState>(rows.Int(6));
    row.bytes = rows.Int(7);
    row.committed = rows.Time(8);
    row.pinned = rows.Int(9) != 0;
    if (!rows.IsNull(10)) {
      row.metric = rows.Real(10);
    }
    row.bad_restarts = static_cast<int>(rows.Int(11));
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return checkpoints;
}

absl::StatusOr<int64_t> Number(Statement row) {
  const int64_t number = row.Next() ? row.Int(0) : 0;
  OCELLUS_RETURN_IF_ERROR(row.status());
  return number;
}

}  // namespace

v1::Checkpoint ToProto(const CheckpointRow& row, const std::string& store_uri) {
  v1::Checkpoint checkpoint;
  checkpoint.set_job_id(row.job_id);
  checkpoint.set_step(row.step);
  checkpoint.set_generation(row.generation);
  checkpoint.set_uri(store::UriOf(store_uri, row.prefix));
  checkpoint.set_bytes(row.bytes);
  checkpoint.set_state(row.state);
  checkpoint.set_manifest_sha256(row.sha256);
  *checkpoint.mutable_commit_time() = ToProto(row.committed);
  checkpoint.set_pinned(row.pinned);
  if (row.metric.has_value()) {
    checkpoint.set_metric(*row.metric);
  }
  return checkpoint;
}

absl::StatusOr<std::vector<CheckpointRow>> ListCheckpoints(Database& db, const std::string& job_id,
                                                           int64_t before_step, int limit) {
  return All(db.Query(OCELLUS_CHECKPOINT_COLUMNS
                      "WHERE job = ?1 AND state != 3 AND (?2 = 0 OR step < ?2) "
                      "ORDER BY step DESC, committed DESC LIMIT ?3",
                      job_id, before_step, limit));
}

absl::StatusOr<std::vector<CheckpointRow>> RestoreList(Database& db, const std::string& job_id) {
  return All(db.Query(OCELLUS_CHECKPOINT_COLUMNS
                      "WHERE job = ? AND state = 1 ORDER BY step DESC, committed DESC",
                      job_id));
}

absl::StatusOr<std::optional<CheckpointRow>> FindUpload(Database& db, const std::string& job_id,
                                                        const std::string& upload_id) {
  OCELLUS_ASSIGN_OR_RETURN(
      auto found, All(db.Query(OCELLUS_CHECKPOINT_COLUMNS "WHERE job = ? AND upload_id = ?", job_id,
                               upload_id)));
  if (found.empty()) {
    OCELLUS_ASSIGN_OR_RETURN(
        found, All(db.Query("SELECT job, upload_id, step, g, prefix, '', 0, 0, 0, 0, NULL, 0 "
                            "FROM uploads WHERE job = ? AND upload_id = ?",
                            job_id, upload_id)));
  }
  return found.empty() ? std::nullopt : std::make_optional(found.front());
}

absl::StatusOr<int64_t> CommittedStep(Database& db, const std::string& job_id) {
  return Number(db.Query(
      "SELECT COALESCE(MAX(step), 0) FROM checkpoints WHERE job = ? AND state = 1", job_id));
}

absl::StatusOr<bool> HasCommitted(Database& db, const std::string& job_id, int64_t generation) {
  OCELLUS_ASSIGN_OR_RETURN(
      int64_t count, Number(db.Query("SELECT COUNT(*) FROM checkpoints WHERE job = ? AND g = ?",
                                     job_id, generation)));
  return count > 0;
}

absl::StatusOr<bool> EverCommitted(Database& db, const std::string& job_id) {
  OCELLUS_ASSIGN_OR_RETURN(
      int64_t count, Number(db.Query("SELECT COUNT(*) FROM checkpoints WHERE job = ?", job_id)));
  return count > 0;
}

absl::Status InsertUpload(Database& db, const CheckpointRow& upload, absl::Time now) {
  return db.Run(
      "INSERT INTO uploads (job, upload_id, g, step, prefix, began) VALUES (?, ?, ?, ?, ?, ?)",
      upload.job_id, upload.upload_id, upload.generation, upload.step, upload.prefix, now);
}

absl::Status InsertCheckpoint(Database& db, const CheckpointRow& row) {
  OCELLUS_RETURN_IF_ERROR(db.Run(
      "INSERT INTO checkpoints (job, upload_id, step, g, prefix, sha, state, bytes, committed, "
      "deleted, swept) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
      row.job_id, row.upload_id, row.step, row.generation, row.prefix, row.sha256, row.state,
      row.bytes, row.committed));
  if (row.metric.has_value()) {
    OCELLUS_RETURN_IF_ERROR(
        db.Run("UPDATE checkpoints SET metric = ? WHERE job = ? AND upload_id = ?", *row.metric,
               row.job_id, row.upload_id));
  }
  return db.Run("DELETE FROM uploads WHERE job = ? AND upload_id = ?", row.job_id, row.upload_id);
}

absl::Status MarkCheckpoint(Database& db, const CheckpointRow& row, v1::CheckpointState state,
                            absl::Time now) {
  return db.Run("UPDATE checkpoints SET state = ?, deleted = ? WHERE job = ? AND upload_id = ?",
                state, state == v1::CHECKPOINT_STATE_DELETED ? now : absl::InfinitePast(),
                row.job_id, row.upload_id);
}

absl::StatusOr<std::vector<Garbage>> FindGarbage(Database& db, absl::Time before, int limit) {
  Statement rows = db.Query(
      "SELECT u.job, u.upload_id, u.prefix FROM uploads u JOIN jobs j ON j.id = u.job "
      "WHERE u.began < ?1 AND (u.g < j.generation OR j.state NOT IN (2, 3, 4)) "
      "UNION ALL SELECT job, upload_id, prefix FROM checkpoints "
      "WHERE state = 3 AND swept = 0 AND deleted < ?1 LIMIT ?2",
      before, limit);
  std::vector<Garbage> garbage;
  while (rows.Next()) {
    garbage.push_back({rows.Text(0), rows.Text(1), rows.Text(2)});
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return garbage;
}

absl::Status MarkSwept(Database& db, const Garbage& garbage) {
  OCELLUS_RETURN_IF_ERROR(db.Run("DELETE FROM uploads WHERE job = ? AND upload_id = ?",
                                 garbage.job_id, garbage.upload_id));
  return db.Run("UPDATE checkpoints SET swept = 1 WHERE job = ? AND upload_id = ? AND state = 3",
                garbage.job_id, garbage.upload_id);
}

}  // namespace ocellus::coordinator
