// Submit exactly once: the job and its request id are one transaction, on the disk before the
// answer.
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/api/job_service.h"
#include "coordinator/api/job_view.h"
#include "coordinator/base/error.h"
#include "coordinator/base/log.h"
#include "coordinator/base/random_id.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/spec_check.h"

namespace ocellus::coordinator {
namespace {

// The job that this request made before, if any.
absl::StatusOr<std::optional<JobRow>> FindEarlier(Database& db, const std::string& project,
                                                  const std::string& principal,
                                                  const std::string& request_id,
                                                  const std::string& hash) {
  OCELLUS_ASSIGN_OR_RETURN(const auto earlier, FindRequest(db, project, principal, request_id));
  if (!earlier.has_value()) {
    return std::nullopt;
  }
  const auto& [job_id, earlier_hash] = *earlier;
  if (earlier_hash != hash) {
    return Error(
        absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_IDEMPOTENCY_KEY_REUSED,
        absl::StrCat("request id ", request_id, " was used for another request, which made ",
                     job_id, "; take a new id for a new job"),
        {{"job", job_id}, {"request_id", request_id}});
  }
  OCELLUS_ASSIGN_OR_RETURN(JobRow job, ReadJob(db, job_id));
  return job;
}

}  // namespace

absl::Status JobService::Create(const Caller& caller, const v1::CreateJobRequest& request,
                                v1::CreateJobResponse* response) {
  if (!request.validate_only() && !IsUuid(request.request_id())) {
    return BadRequest({{"request_id", "must be a UUID, made anew for each job"}});
  }
  const std::string project =
      request.spec().project().empty() ? kProjectByDefault : request.spec().project();
  const std::string hash = RequestHash(request.spec());
  std::optional<JobRow> job;
  if (!request.validate_only()) {
    // Before the check: a repeat is answered even if the schemas have changed meanwhile.
    OCELLUS_RETURN_IF_ERROR(parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(job,
                               FindEarlier(db, project, caller.name, request.request_id(), hash));
      return absl::OkStatus();
    }));
  }
  bool replayed = job.has_value();
  if (!replayed) {
    OCELLUS_ASSIGN_OR_RETURN(CheckedSpec checked, CheckSpec(request.spec()));
    OCELLUS_RETURN_IF_ERROR(
        CheckStorePaths(checked.resolved_json, project, parts_.ledger->store_uri()));
    if (request.validate_only()) {
      *response->mutable_job()->mutable_spec() = checked.spec;
      response->mutable_job()->set_resolved_json(checked.resolved_json);
      return absl::OkStatus();
    }
    OCELLUS_RETURN_IF_ERROR(parts_.store->Write("create_job", [&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(job,
                               FindEarlier(db, project, caller.name, request.request_id(), hash));
      replayed = job.has_value();
      if (replayed) {
        return absl::OkStatus();
      }
      job.emplace();
      job->spec = checked.spec;
      job->resolved_json = checked.resolved_json;
      OCELLUS_RETURN_IF_ERROR(InsertJob(db, &*job, caller.Actor(), parts_.clock->Now()));
      return RememberRequest(db, project, caller.name, request.request_id(), hash, job->id,
                             parts_.clock->Now());
    }));
  }
  if (!replayed) {
    Log(LogSeverity::kInfo, "job_submitted",
        {{"job", job->id}, {"name", job->spec.name()}, {"ranks", job->spec.ranks()}});
  }
  response->set_replayed(replayed);
  return parts_.store->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(*response->mutable_job(), View(db, *job, Detail::kFull));
    return absl::OkStatus();
  });
}

}  // namespace ocellus::coordinator
