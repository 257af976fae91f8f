#include "coordinator/state/checkpoint_care.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/state/events.h"

namespace ocellus::coordinator {
namespace {

absl::Status Note(Database& db, const CheckpointRow& row, v1::JobEventType type,
                  const std::string& message, const std::string& actor, absl::Time now) {
  v1::JobEvent event = NewEvent(row.job_id, actor, type, now);
  event.set_generation(row.generation);
  event.set_message(absl::StrCat("step ", row.step, message));
  return AppendEvent(db, event);
}

absl::Status WrongState(const std::string& message) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_WRONG_STATE, message);
}

// The steps of the best commits by their metric.
std::set<int64_t> BestSteps(const std::vector<CheckpointRow>& rows,
                            const v1::CheckpointPolicy& policy) {
  std::vector<const CheckpointRow*> measured;
  for (const CheckpointRow& row : rows) {
    if (row.metric.has_value()) {
      measured.push_back(&row);
    }
  }
  const bool least = policy.best_metric() == "loss";
  std::stable_sort(measured.begin(), measured.end(),
                   [least](const CheckpointRow* a, const CheckpointRow* b) {
                     return least ? *a->metric < *b->metric : *a->metric > *b->metric;
                   });
  measured.resize(std::min<size_t>(measured.size(), std::max(policy.keep_best(), 0)));
  std::set<int64_t> best;
  for (const CheckpointRow* row : measured) {
    best.insert(row->step);
  }
  return best;
}

// As it is now, in the same transaction.
absl::StatusOr<CheckpointRow> Current(Database& db, const CheckpointRow& row) {
  OCELLUS_ASSIGN_OR_RETURN(const auto found, FindUpload(db, row.job_id, row.upload_id));
  if (!found.has_value() || found->state == v1::CHECKPOINT_STATE_DELETED) {
    return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_CHECKPOINT_NOT_FOUND,
                 absl::StrCat("the checkpoint of step ", row.step, " was deleted meanwhile"));
  }
  return *found;
}

}  // namespace

absl::StatusOr<std::vector<CheckpointRow>> ExpireCheckpoints(Database& db,
                                                             const std::string& job_id,
                                                             const v1::CheckpointPolicy& policy,
                                                             absl::Time now) {
  OCELLUS_ASSIGN_OR_RETURN(const auto newest_first, RestoreList(db, job_id));
  const std::set<int64_t> best = BestSteps(newest_first, policy);
  std::vector<CheckpointRow> expired;
  for (size_t i = 1; i < newest_first.size(); ++i) {
    const CheckpointRow& row = newest_first[i];
    const bool recent = static_cast<int64_t>(i) < policy.keep();
    const bool landmark =
        policy.keep_every_steps() > 0 && row.step % policy.keep_every_steps() == 0;
    if (!recent && !landmark && !row.pinned && !best.contains(row.step)) {
      OCELLUS_RETURN_IF_ERROR(MarkCheckpoint(db, row, v1::CHECKPOINT_STATE_DELETED, now));
      expired.push_back(row);
    }
  }
  return expired;
}

std::optional<double> MetricOf(const std::string& manifest, const std::string& metric) {
  const auto document = nlohmann::json::parse(manifest, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object() || !document.contains("metrics")) {
    return std::nullopt;
  }
  const auto& metrics = document["metrics"];
  if (!metrics.is_object() || !metrics.contains(metric) || !metrics[metric].is_number()) {
    return std::nullopt;
  }
  return metrics[metric].get<double>();
}

absl::Status SetPinned(Database& db, bool pinned, const std::string& actor, absl::Time now,
                       CheckpointRow* row) {
  OCELLUS_ASSIGN_OR_RETURN(*row, Current(db, *row));
  if (pinned && row->state != v1::CHECKPOINT_STATE_COMMITTED) {
    return WrongState(absl::StrCat("the checkpoint of step ", row->step,
                                   " is damaged or suspect: pin another one"));
  }
  if (row->pinned == pinned) {
    return absl::OkStatus();
  }
  row->pinned = pinned;
  OCELLUS_RETURN_IF_ERROR(
      db.Run("UPDATE checkpoints SET pinned = ? WHERE job = ? AND upload_id = ?", pinned ? 1 : 0,
             row->job_id, row->upload_id));
  return Note(
      db, *row,
      pinned ? v1::JOB_EVENT_TYPE_CHECKPOINT_PINNED : v1::JOB_EVENT_TYPE_CHECKPOINT_UNPINNED, "",
      actor, now);
}

absl::Status Remove(Database& db, bool force, const std::string& actor, absl::Time now,
                    CheckpointRow* row) {
  OCELLUS_ASSIGN_OR_RETURN(*row, Current(db, *row));
  OCELLUS_ASSIGN_OR_RETURN(const auto committed, RestoreList(db, row->job_id));
  const bool newest = !committed.empty() && committed.front().upload_id == row->upload_id;
  if (row->pinned && !force) {
    return WrongState(absl::StrCat("the checkpoint of step ", row->step,
                                   " is pinned: unpin it first, or say --force"));
  }
  if (newest && !force) {
    return WrongState(absl::StrCat(
        "the checkpoint of step ", row->step, " is the newest committed one, from which the job ",
        committed.size() > 1 ? "goes on after a fault: steps would be lost"
                             : "alone can go on: without it, it could only be held",
        "; say --force if that is what you want"));
  }
  OCELLUS_RETURN_IF_ERROR(MarkCheckpoint(db, *row, v1::CHECKPOINT_STATE_DELETED, now));
  row->state = v1::CHECKPOINT_STATE_DELETED;
  return Note(db, *row, v1::JOB_EVENT_TYPE_CHECKPOINT_DELETED, force ? ", by force" : "", actor,
              now);
}

absl::Status RecordCopy(Database& db, const CheckpointRow& row, const std::string& destination,
                        const std::string& actor, absl::Time now) {
  return Note(db, row, v1::JOB_EVENT_TYPE_CHECKPOINT_COPIED, absl::StrCat(" to ", destination),
              actor, now);
}

absl::Status RecordRestore(Database& db, const std::string& job_id, int64_t generation,
                           int64_t step, const std::string& uri) {
  return db.Run(
      "UPDATE generations SET restored_step = ?, restored_uri = ? WHERE job = ? AND g = ?", step,
      uri, job_id, generation);
}

absl::StatusOr<Origin> OriginOf(Database& db, const std::string& job_id, int64_t generation) {
  Statement row = db.Query(
      "SELECT restored_step, restored_uri FROM generations WHERE job = ? AND "
      "g = ?",
      job_id, generation);
  Origin origin;
  if (row.Next()) {
    origin = {row.Int(0), row.Text(1)};
  }
  OCELLUS_RETURN_IF_ERROR(row.status());
  return origin;
}

absl::Status CountBadRestart(Database& db, const std::string& job_id, const std::string& prefix,
                             absl::Time now) {
  OCELLUS_ASSIGN_OR_RETURN(const auto committed, RestoreList(db, job_id));
  const auto found = std::find_if(committed.begin(), committed.end(),
                                  [&](const CheckpointRow& row) { return row.prefix == prefix; });
  if (found == committed.end()) {
    return absl::OkStatus();
  }
  OCELLUS_RETURN_IF_ERROR(
      db.Run("UPDATE checkpoints SET bad_restarts = bad_restarts + 1 WHERE job = ? AND upload_id = "
             "?",
             job_id, found->upload_id));
  if (found->bad_restarts + 1 < kBadRestartsMax || found + 1 == committed.end()) {
    return absl::OkStatus();
  }
  OCELLUS_RETURN_IF_ERROR(MarkCheckpoint(db, *found, v1::CHECKPOINT_STATE_SUSPECT, now));
  Log(LogSeverity::kWarning, "checkpoint_suspect", {{"job", job_id}, {"step", found->step}});
  return Note(db, *found, v1::JOB_EVENT_TYPE_CHECKPOINT_SUSPECT,
              absl::StrCat(": ", kBadRestartsMax, " gangs failed within ", kBadRestartSteps,
                           " steps of it; the job goes on from step ", (found + 1)->step),
              "monitor", now);
}

}  // namespace ocellus::coordinator
