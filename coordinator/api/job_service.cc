#include "coordinator/api/job_service.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/api/call.h"
#include "coordinator/api/explain.h"
#include "coordinator/api/job_view.h"
#include "coordinator/base/error.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/transitions.h"
#include "coordinator/state/events.h"
#include "coordinator/state/gangs.h"

namespace ocellus::coordinator {
namespace {

constexpr size_t kPageBytesMax = 2 << 20;
constexpr int kWatchedJobsMax = 1000;
constexpr absl::Duration kWatchInterval = absl::Milliseconds(200);

}  // namespace

absl::StatusOr<v1::Job> JobService::View(Database& db, const JobRow& row, Detail detail) const {
  return ViewJob(db, row, *parts_.live, parts_.ledger->store_uri(), detail);
}

grpc::Status JobService::CreateJob(grpc::ServerContext* context,
                                   const v1::CreateJobRequest* request,
                                   v1::CreateJobResponse* response) {
  return Answer(parts_, *context, *request,
                [&](const Caller& caller) { return Create(caller, *request, response); });
}

grpc::Status JobService::GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request,
                                v1::GetJobResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) {
    return parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(const JobRow row, FindJob(db, request->job(), caller.Projects()));
      OCELLUS_ASSIGN_OR_RETURN(*response->mutable_job(), View(db, row, Detail::kFull));
      return absl::OkStatus();
    });
  });
}

grpc::Status JobService::ListJobs(grpc::ServerContext* context, const v1::ListJobsRequest* request,
                                  v1::ListJobsResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    JobFilter filter;
    filter.project = request->project();
    filter.visible = caller.Projects();
    for (int state : request->states()) {
      filter.states.push_back(static_cast<v1::JobState>(state));
    }
    filter.limit =
        PageSize(request->page_size()) + 1;  // one more tells whether there is a next page
    OCELLUS_ASSIGN_OR_RETURN(filter.before_seq, ParsePageToken(request->page_token()));
    return parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(const auto rows, coordinator::ListJobs(db, filter));
      size_t bytes = 0;
      int64_t last_seq = 0;
      for (const JobRow& row : rows) {
        if (response->jobs_size() + 1 == filter.limit || bytes > kPageBytesMax) {
          response->set_next_page_token(absl::StrCat(last_seq));
          break;
        }
        OCELLUS_ASSIGN_OR_RETURN(v1::Job job, View(db, row, Detail::kBrief));
        bytes += job.ByteSizeLong();
        last_seq = row.seq;
        *response->add_jobs() = std::move(job);
      }
      return absl::OkStatus();
    });
  });
}

grpc::Status JobService::WatchJobs(grpc::ServerContext* context,
                                   const v1::WatchJobsRequest* request,
                                   grpc::ServerWriter<v1::WatchJobsResponse>* writer) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) {
    return Watch(*context, caller, request->job(), writer);
  });
}

absl::Status JobService::Watch(const grpc::ServerContext& context, const Caller& caller,
                               const std::string& job,
                               grpc::ServerWriter<v1::WatchJobsResponse>* writer) {
  std::map<std::string, std::string> sent;  // by job: what was sent last
  std::string id;  // a name is resolved once: a newer job does not take over
  while (!context.IsCancelled() && !parts_.live->changes().closed()) {
    const int64_t seen = parts_.live->changes().Seen();
    std::vector<v1::Job> jobs;
    OCELLUS_RETURN_IF_ERROR(parts_.store->Read([&](Database& db) -> absl::Status {
      std::vector<JobRow> rows;
      if (job.empty()) {
        JobFilter newest;
        newest.limit = kWatchedJobsMax;
        newest.visible = caller.Projects();
        OCELLUS_ASSIGN_OR_RETURN(rows, coordinator::ListJobs(db, newest));
        std::reverse(rows.begin(), rows.end());
      } else {
        OCELLUS_ASSIGN_OR_RETURN(rows.emplace_back(),
                                 FindJob(db, id.empty() ? job : id, caller.Projects()));
        id = rows.front().id;
      }
      for (const JobRow& row : rows) {
        OCELLUS_ASSIGN_OR_RETURN(jobs.emplace_back(), View(db, row, Detail::kBrief));
      }
      return absl::OkStatus();
    }));
    for (v1::Job& current : jobs) {
      std::string bytes = current.SerializeAsString();
      if (sent[current.id()] == bytes) {
        continue;
      }
      sent[current.id()] = std::move(bytes);
      v1::WatchJobsResponse response;
      *response.mutable_job() = current;
      if (!writer->Write(response)) {
        return absl::OkStatus();
      }
    }
    if (!job.empty() && IsTerminal(jobs.front().state())) {
      return absl::OkStatus();
    }
    // Progress wakes it; a change of state within the interval is seen by looking again.
    parts_.live->changes().Wait(seen, kWatchInterval);
  }
  return context.IsCancelled() ? absl::CancelledError("the client left")
                               : absl::UnavailableError("the coordinator is stopping; watch again");
}

absl::Status JobService::Wish(const Caller& caller, const std::string& op, const std::string& job,
                              const std::string& etag,
                              absl::FunctionRef<absl::StatusOr<StateChange>(JobRow*)> wish,
                              v1::Job* result) {
  return parts_.store->Write(op, [&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(JobRow row, FindJob(db, job, caller.Projects(v1::ROLE_EDITOR)));
    if (!etag.empty() && etag != row.etag()) {
      return Error(absl::StatusCode::kAborted, v1::ERROR_REASON_ETAG_MISMATCH,
                   absl::StrCat("the job has changed (etag ", row.etag(), ", not ", etag,
                                "); read it again"),
                   {{"etag", row.etag()}});
    }
    OCELLUS_ASSIGN_OR_RETURN(StateChange change, wish(&row));
    change.actor = caller.Actor();
    if (change.state != v1::JOB_STATE_UNSPECIFIED) {
      OCELLUS_RETURN_IF_ERROR(ChangeState(db, &row, change, parts_.clock->Now()));
    }
    OCELLUS_ASSIGN_OR_RETURN(*result, View(db, row, Detail::kFull));
    return absl::OkStatus();
  });
}

grpc::Status JobService::CancelJob(grpc::ServerContext* context,
                                   const v1::CancelJobRequest* request,
                                   v1::CancelJobResponse* response) {
  const auto wish = [](JobRow* job) -> absl::StatusOr<StateChange> {
    if (job->state == v1::JOB_STATE_CANCELLED ||
        (job->state == v1::JOB_STATE_STOPPING && job->reason == v1::JOB_REASON_CANCEL)) {
      return StateChange{};
    }
    return HasGang(job->state)
               ? StateChange{v1::JOB_STATE_STOPPING, v1::JOB_REASON_CANCEL, "cancelled"}
               : StateChange{v1::JOB_STATE_CANCELLED, v1::JOB_REASON_USER_CANCELLED, "cancelled"};
  };
  return Answer(parts_, *context, *request, [&](const Caller& caller) {
    return Wish(caller, "cancel", request->job(), request->etag(), wish, response->mutable_job());
  });
}

grpc::Status JobService::HoldJob(grpc::ServerContext* context, const v1::HoldJobRequest* request,
                                 v1::HoldJobResponse* response) {
  const auto wish = [](JobRow* job) -> absl::StatusOr<StateChange> {
    if (job->state == v1::JOB_STATE_HELD ||
        (job->state == v1::JOB_STATE_STOPPING && job->reason == v1::JOB_REASON_HOLD)) {
      return StateChange{};
    }
    return HasGang(job->state)
               ? StateChange{v1::JOB_STATE_STOPPING, v1::JOB_REASON_HOLD, "held by a person"}
               : StateChange{v1::JOB_STATE_HELD, v1::JOB_REASON_HOLD, "held by a person"};
  };
  return Answer(parts_, *context, *request, [&](const Caller& caller) {
    return Wish(caller, "hold", request->job(), request->etag(), wish, response->mutable_job());
  });
}

grpc::Status JobService::ResumeJob(grpc::ServerContext* context,
                                   const v1::ResumeJobRequest* request,
                                   v1::ResumeJobResponse* response) {
  const auto wish = [](JobRow* job) -> absl::StatusOr<StateChange> {
    if (job->state != v1::JOB_STATE_HELD && job->state != v1::JOB_STATE_PENDING) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_WRONG_STATE,
                   absl::StrCat("only a held or waiting job can be resumed; this one is ",
                                ShortName(job->state)),
                   {{"state", ShortName(job->state)}});
    }
    job->budget = Budget{};
    job->backoff_until = absl::InfinitePast();
    return StateChange{v1::JOB_STATE_PENDING, v1::JOB_REASON_NEXT_CYCLE, "resumed by a person"};
  };
  return Answer(parts_, *context, *request, [&](const Caller& caller) {
    return Wish(caller, "resume", request->job(), request->etag(), wish, response->mutable_job());
  });
}

grpc::Status JobService::ExplainJob(grpc::ServerContext* context,
                                    const v1::ExplainJobRequest* request,
                                    v1::ExplainJobResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) {
    return parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(const JobRow row, FindJob(db, request->job(), caller.Projects()));
      OCELLUS_ASSIGN_OR_RETURN(*response->mutable_job(), View(db, row, Detail::kFull));
      OCELLUS_ASSIGN_OR_RETURN(const auto occupied, OccupiedSlots(db));
      // What others train is not told, only that somebody does.
      OCELLUS_ASSIGN_OR_RETURN(const auto holders, VisibleHolders(db, caller, occupied));
      Explain({holders.begin(), holders.end()}, response);
      return absl::OkStatus();
    });
  });
}

grpc::Status JobService::ListEvents(grpc::ServerContext* context,
                                    const v1::ListEventsRequest* request,
                                    v1::ListEventsResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const int64_t after, ParsePageToken(request->page_token()));
    const int page_size = PageSize(request->page_size());
    return parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(const JobRow row, FindJob(db, request->job(), caller.Projects()));
      OCELLUS_ASSIGN_OR_RETURN(const auto events,
                               coordinator::ListEvents(db, row.id, after, page_size + 1));
      for (const v1::JobEvent& event : events) {
        if (response->events_size() == page_size) {
          response->set_next_page_token(absl::StrCat(response->events(page_size - 1).seq()));
          break;
        }
        *response->add_events() = event;
      }
      return absl::OkStatus();
    });
  });
}

}  // namespace ocellus::coordinator
