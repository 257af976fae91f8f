// Rows of jobs, and the one way in which a job changes its state.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/job/verdict.h"
#include "coordinator/state/sqlite.h"
#include "ocellus/v1/event.pb.h"
#include "ocellus/v1/job.pb.h"

namespace ocellus::coordinator {

struct JobRow {
  int64_t seq = 0;  // order of submission
  std::string id;   // "j-" and 12 characters
  v1::JobSpec spec;
  std::string resolved_json;
  v1::JobState state = v1::JOB_STATE_UNSPECIFIED;
  v1::JobReason reason = v1::JOB_REASON_UNSPECIFIED;
  std::string message;
  absl::Time since = absl::InfinitePast();
  int64_t generation = 0;
  int64_t version = 0;  // of the row; its etag
  absl::Time created = absl::InfinitePast();
  absl::Time ended = absl::InfinitePast();
  std::string parent;
  absl::Time backoff_until = absl::InfinitePast();
  Budget budget;
  std::optional<v1::Failure> last_failure;

  std::string etag() const;
  // "<project>/<id>/": where the job keeps everything in the object store.
  std::string prefix() const;
};

// A new PENDING job and its SUBMITTED event. Fills id, seq, state and times of `job`.
absl::Status InsertJob(Database& db, JobRow* job, const std::string& actor, absl::Time now);

// NOT_FOUND / JOB_NOT_FOUND when there is none.
absl::StatusOr<JobRow> ReadJob(Database& db, const std::string& id);
// What a caller may see; nullopt: everything.
using VisibleProjects = std::optional<std::set<std::string>>;
// By id, or by name: the newest job of that name, among those of visible projects.
absl::StatusOr<JobRow> FindJob(Database& db, const std::string& id_or_name,
                               const VisibleProjects& visible);

struct JobFilter {
  std::string project;               // empty: all
  VisibleProjects visible;           // others are as if they were not there
  std::vector<v1::JobState> states;  // empty: all
  int64_t before_seq = 0;            // 0: from the newest
  int limit = 0;                     // 0: no limit
};
// Newest first.
absl::StatusOr<std::vector<JobRow>> ListJobs(Database& db, const JobFilter& filter);

struct StateChange {
  v1::JobState state = v1::JOB_STATE_UNSPECIFIED;
  v1::JobReason reason = v1::JOB_REASON_UNSPECIFIED;
  std::string message;
  std::string actor;  // "user:NAME", "scheduler", "monitor", "agent:NODE"
  v1::JobEventType event = v1::JOB_EVENT_TYPE_STATE_CHANGED;
};
// Checks the transition, writes the job with its new state and everything else that the caller
// changed in `job`, and the event. ABORTED when `job` is not what is stored any more: read it
// again.
absl::Status ChangeState(Database& db, JobRow* job, const StateChange& change, absl::Time now);

// Why a pending job waits. Writes an event only when the reason is another one, nothing when all is
// the same.
absl::Status SetWaiting(Database& db, const std::string& id, v1::JobReason reason,
                        const std::string& message, absl::Time now);

// What the scheduler needs of each PENDING job, oldest first.
struct PendingRow {
  std::string id;
  int priority = 0;
  int ranks = 0;
  v1::Device device = v1::DEVICE_UNSPECIFIED;
  absl::Time created;
  absl::Time backoff_until;
  v1::JobReason reason = v1::JOB_REASON_UNSPECIFIED;
  std::string message;
};
absl::StatusOr<std::vector<PendingRow>> PendingJobs(Database& db);

struct JobCounts {
  std::map<std::pair<std::string, v1::JobState>, int64_t> by_state;     // project, state
  std::map<std::pair<std::string, v1::JobReason>, int64_t> by_pending;  // project, reason
};
absl::StatusOr<JobCounts> CountJobs(Database& db);

// The job that this request id made, if any: (its id, hash of the request).
absl::StatusOr<std::optional<std::pair<std::string, std::string>>> FindRequest(
    Database& db, const std::string& project, const std::string& principal,
    const std::string& request_id);
absl::Status RememberRequest(Database& db, const std::string& project, const std::string& principal,
                             const std::string& request_id, const std::string& hash,
                             const std::string& job_id, absl::Time now);
// Request ids older than this are forgotten.
inline constexpr absl::Duration kRequestsKept = absl::Hours(24 * 30);
absl::Status ForgetRequests(Database& db, absl::Time now);

}  // namespace ocellus::coordinator
