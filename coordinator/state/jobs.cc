#include "coordinator/state/jobs.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "coordinator/base/error.h"
#include "coordinator/base/random_id.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/transitions.h"
#include "coordinator/state/events.h"

namespace ocellus::coordinator {
namespace {

constexpr int kIdLength = 12;

constexpr char kColumns[] =
    "SELECT seq, id, spec, resolved, state, reason, message, since, generation, version, created, "
    "ended, parent, backoff_until, user_failures, unknown_failures, fruitless, "
    "failures_since_commit, last_failure FROM jobs ";

JobRow FromRow(const Statement& row) {
  JobRow job;
  job.seq = row.Int(0);
  job.id = row.Text(1);
  job.spec.ParseFromString(row.Text(2));
  job.resolved_json = row.Text(3);
  job.state = static_cast<v1::JobState>(row.Int(4));
  job.reason = static_cast<v1::JobReason>(row.Int(5));
  job.message = row.Text(6);
  job.since = row.Time(7);
  job.generation = row.Int(8);
  job.version = row.Int(9);
  job.created = row.Time(10);
  job.ended = row.Time(11);
  job.parent = row.Text(12);
  job.backoff_until = row.Time(13);
  job.budget.user_failures = static_cast<int>(row.Int(14));
  job.budget.unknown_failures = static_cast<int>(row.Int(15));
  job.budget.fruitless = static_cast<int>(row.Int(16));
  job.budget.failures_since_commit = static_cast<int>(row.Int(17));
  if (const std::string failure = row.Text(18); !failure.empty()) {
    job.last_failure.emplace().ParseFromString(failure);
  }
  return job;
}

absl::Status NotFound(const std::string& job) {
  return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_JOB_NOT_FOUND,
               absl::StrCat("no job has the id or name '", job, "'; see `ocellus job list`"),
               {{"job", job}});
}

absl::StatusOr<JobRow> One(Statement row, const std::string& job) {
  if (row.Next()) {
    return FromRow(row);
  }
  OCELLUS_RETURN_IF_ERROR(row.status());
  return NotFound(job);
}

v1::JobEvent EventOf(const JobRow& job, v1::JobState from, const StateChange& change,
                     absl::Time now) {
  v1::JobEvent event = NewEvent(job.id, change.actor, change.event, now);
  event.set_from_state(from);
  event.set_to_state(change.state);
  event.set_reason(change.reason);
  event.set_message(change.message);
  event.set_generation(job.generation);
  return event;
}

}  // namespace

std::string JobRow::etag() const { return absl::StrCat("v", version); }

std::string JobRow::prefix() const { return absl::StrCat(spec.project(), "/", id, "/"); }

absl::Status InsertJob(Database& db, JobRow* job, const std::string& actor, absl::Time now) {
  job->id = absl::StrCat("j-", RandomName(kIdLength));
  job->state = v1::JOB_STATE_PENDING;
  job->reason = v1::JOB_REASON_NEXT_CYCLE;
  job->message = "not looked at by the scheduler yet";
  job->since = job->created = now;
  job->version = 1;
  OCELLUS_RETURN_IF_ERROR(db.Run(
      "INSERT INTO jobs (id, project, name, state, reason, message, since, priority, ranks, "
      "device, "
      "spec, resolved, generation, version, created, ended, parent, backoff_until, user_failures, "
      "unknown_failures, fruitless, failures_since_commit, last_failure) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, 0, ?, 0, 0, 0, 0, 0, x'')",
      job->id, job->spec.project(), job->spec.name(), job->state, job->reason, job->message,
      job->since, job->spec.priority(), job->spec.ranks(), job->spec.device(),
      Blob{job->spec.SerializeAsString()}, job->resolved_json, job->version, job->created,
      job->parent));
  job->seq = db.LastInsertId();
  const StateChange change{job->state, job->reason, "", actor, v1::JOB_EVENT_TYPE_SUBMITTED};
  return AppendEvent(db, EventOf(*job, v1::JOB_STATE_UNSPECIFIED, change, now));
}

absl::StatusOr<JobRow> ReadJob(Database& db, const std::string& id) {
  static const std::string* const sql = new std::string(absl::StrCat(kColumns, "WHERE id = ?"));
  return One(db.Query(sql->c_str(), id), id);
}

absl::StatusOr<JobRow> FindJob(Database& db, const std::string& id_or_name,
                               const VisibleProjects& visible) {
  static const std::string* const sql = new std::string(
      absl::StrCat(kColumns, "WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC, seq DESC"));
  Statement rows = db.Query(sql->c_str(), id_or_name);
  while (rows.Next()) {
    JobRow job = FromRow(rows);
    if (!visible.has_value() || visible->contains(job.spec.project())) {
      return job;
    }
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return NotFound(id_or_name);
}

absl::StatusOr<std::vector<JobRow>> ListJobs(Database& db, const JobFilter& filter) {
  std::string sql =
      absl::StrCat(kColumns, "WHERE (?1 = '' OR project = ?1) AND (?2 = 0 OR seq < ?2) ");
  if (!filter.states.empty()) {
    absl::StrAppend(&sql, "AND state IN (", absl::StrJoin(filter.states, ","), ") ");
  }
  if (filter.visible.has_value()) {
    const auto quoted = [](std::string* out, const std::string& project) {
      absl::StrAppend(out, "'", absl::StrReplaceAll(project, {{"'", "''"}}), "'");
    };
    absl::StrAppend(&sql, "AND project IN (", absl::StrJoin(*filter.visible, ",", quoted), ") ");
  }
  absl::StrAppend(&sql, "ORDER BY seq DESC LIMIT ?3");
  Statement rows = db.Query(sql.c_str(), filter.project, filter.before_seq,
                            filter.limit == 0 ? -1 : filter.limit);
  std::vector<JobRow> jobs;
  while (rows.Next()) {
    jobs.push_back(FromRow(rows));
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return jobs;
}

absl::Status ChangeState(Database& db, JobRow* job, const StateChange& change, absl::Time now) {
  OCELLUS_RETURN_IF_ERROR(CheckTransition(job->state, job->reason, change.state, change.reason));
  const v1::JobState from = job->state;
  if (from != change.state) {
    job->since = now;
  }
  job->state = change.state;
  job->reason = change.reason;
  job->message = change.message;
  job->ended = IsTerminal(change.state) ? now : absl::InfinitePast();
  OCELLUS_RETURN_IF_ERROR(
      db.Run("UPDATE jobs SET state = ?, reason = ?, message = ?, since = ?, generation = ?, "
             "version = version + 1, ended = ?, backoff_until = ?, user_failures = ?, "
             "unknown_failures = ?, fruitless = ?, failures_since_commit = ?, last_failure = ? "
             "WHERE id = ? AND version = ?",
             job->state, job->reason, job->message, job->since, job->generation, job->ended,
             job->backoff_until, job->budget.user_failures, job->budget.unknown_failures,
             job->budget.fruitless, job->budget.failures_since_commit,
             Blob{job->last_failure.has_value() ? job->last_failure->SerializeAsString() : ""},
             job->id, job->version));
  if (db.Changes() != 1) {
    return Error(absl::StatusCode::kAborted, v1::ERROR_REASON_ETAG_MISMATCH,
                 "the job has changed meanwhile; read it again");
  }
  ++job->version;
  return AppendEvent(db, EventOf(*job, from, change, now));
}

absl::Status SetWaiting(Database& db, const std::string& id, v1::JobReason reason,
                        const std::string& message, absl::Time now) {
  OCELLUS_ASSIGN_OR_RETURN(JobRow job, ReadJob(db, id));
  if (job.state != v1::JOB_STATE_PENDING || (job.reason == reason && job.message == message)) {
    return absl::OkStatus();
  }
  if (job.reason != reason) {
    return ChangeState(db, &job, {v1::JOB_STATE_PENDING, reason, message, "scheduler"}, now);
  }
  return db.Run("UPDATE jobs SET message = ? WHERE id = ?", message, id);
}

absl::StatusOr<std::vector<PendingRow>> PendingJobs(Database& db) {
  Statement rows = db.Query(
      "SELECT id, priority, ranks, device, created, backoff_until, reason, message FROM jobs "
      "WHERE state = 1 ORDER BY seq");
  std::vector<PendingRow> pending;
  while (rows.Next()) {
    PendingRow& job = pending.emplace_back();
    job.id = rows.Text(0);
    job.priority = static_cast<int>(rows.Int(1));
    job.ranks = static_cast<int>(rows.Int(2));
    job.device = static_cast<v1::Device>(rows.Int(3));
    job.created = rows.Time(4);
    job.backoff_until = rows.Time(5);
    job.reason = static_cast<v1::JobReason>(rows.Int(6));
    job.message = rows.Text(7);
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return pending;
}

absl::StatusOr<JobCounts> CountJobs(Database& db) {
  Statement rows = db.Query(
      "SELECT project, state, CASE state WHEN 1 THEN reason ELSE 0 END AS why, COUNT(*) FROM jobs "
      "GROUP BY project, state, why");
  JobCounts counts;
  while (rows.Next()) {
    const auto state = static_cast<v1::JobState>(rows.Int(1));
    counts.by_state[{rows.Text(0), state}] += rows.Int(3);
    if (state == v1::JOB_STATE_PENDING) {
      counts.by_pending[{rows.Text(0), static_cast<v1::JobReason>(rows.Int(2))}] += rows.Int(3);
    }
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return counts;
}

absl::StatusOr<std::optional<std::pair<std::string, std::string>>> FindRequest(
    Database& db, const std::string& project, const std::string& principal,
    const std::string& request_id) {
  Statement row = db.Query(
      "SELECT job, hash FROM idempotency WHERE project = ? AND principal = ? AND request_id = ?",
      project, principal, request_id);
  std::optional<std::pair<std::string, std::string>> found;
  if (row.Next()) {
    found.emplace(row.Text(0), row.Text(1));
  }
  OCELLUS_RETURN_IF_ERROR(row.status());
  return found;
}

absl::Status RememberRequest(Database& db, const std::string& project, const std::string& principal,
                             const std::string& request_id, const std::string& hash,
                             const std::string& job_id, absl::Time now) {
  return db.Run(
      "INSERT INTO idempotency (project, principal, request_id, hash, job, at) "
      "VALUES (?, ?, ?, ?, ?, ?)",
      project, principal, request_id, hash, job_id, now);
}

absl::Status ForgetRequests(Database& db, absl::Time now) {
  return db.Run("DELETE FROM idempotency WHERE at < ?", now - kRequestsKept);
}

}  // namespace ocellus::coordinator
