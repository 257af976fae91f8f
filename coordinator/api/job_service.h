// ocellus.v1.JobService: submit, look, wish. Thread-safe.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "coordinator/api/job_view.h"
#include "coordinator/api/parts.h"
#include "coordinator/auth/caller.h"
#include "coordinator/state/jobs.h"
#include "ocellus/v1/service.grpc.pb.h"

namespace ocellus::coordinator {

class JobService final : public v1::JobService::Service {
 public:
  explicit JobService(const ApiParts& parts) : parts_(parts) {}

  grpc::Status CreateJob(grpc::ServerContext* context, const v1::CreateJobRequest* request,
                         v1::CreateJobResponse* response) override;
  grpc::Status GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request,
                      v1::GetJobResponse* response) override;
  grpc::Status ListJobs(grpc::ServerContext* context, const v1::ListJobsRequest* request,
                        v1::ListJobsResponse* response) override;
  grpc::Status WatchJobs(grpc::ServerContext* context, const v1::WatchJobsRequest* request,
                         grpc::ServerWriter<v1::WatchJobsResponse>* writer) override;
  grpc::Status CancelJob(grpc::ServerContext* context, const v1::CancelJobRequest* request,
                         v1::CancelJobResponse* response) override;
  grpc::Status HoldJob(grpc::ServerContext* context, const v1::HoldJobRequest* request,
                       v1::HoldJobResponse* response) override;
  grpc::Status ResumeJob(grpc::ServerContext* context, const v1::ResumeJobRequest* request,
                         v1::ResumeJobResponse* response) override;
  grpc::Status ExplainJob(grpc::ServerContext* context, const v1::ExplainJobRequest* request,
                          v1::ExplainJobResponse* response) override;
  grpc::Status ListEvents(grpc::ServerContext* context, const v1::ListEventsRequest* request,
                          v1::ListEventsResponse* response) override;

 private:
  absl::Status Create(const Caller& caller, const v1::CreateJobRequest& request,
                      v1::CreateJobResponse* response);
  absl::Status Watch(const grpc::ServerContext& context, const Caller& caller,
                     const std::string& job, grpc::ServerWriter<v1::WatchJobsResponse>* writer);
  // Moves a job by a person's wish: `wish` says where to, or fails, or leaves it UNSPECIFIED when
  // the job is there already.
  absl::Status Wish(const Caller& caller, const std::string& op, const std::string& job,
                    const std::string& etag,
                    absl::FunctionRef<absl::StatusOr<StateChange>(JobRow*)> wish, v1::Job* result);
  absl::StatusOr<v1::Job> View(Database& db, const JobRow& row, Detail detail) const;

  const ApiParts parts_;
};

}  // namespace ocellus::coordinator
