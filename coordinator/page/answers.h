// What the page asks for. Every answer is made of calls of the API through its gate, with the token
// of who asks: the page sees what `ocellus` shows the same person, and can change nothing, since it
// makes no other calls than reading ones. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/fleet/live_gangs.h"
#include "coordinator/state/objects.h"
#include "grpcpp/grpcpp.h"
#include "ocellus/v1/auth.grpc.pb.h"
#include "ocellus/v1/service.grpc.pb.h"

namespace ocellus::coordinator {

struct PageRequest {
  std::string path;   // "/api/jobs/j-0123456789ab"
  std::string after;  // of a job: events after this one
  std::string token;  // empty: none was given
  std::string peer;   // address without the port
};

struct PageAnswer {
  std::string type;  // "application/json"
  std::string body;
};

class Answers {
 public:
  // `api`: to the server of this process. `objects` and `live` outlive it.
  Answers(const std::shared_ptr<grpc::Channel>& api, Objects* objects, const LiveGangs* live);

  //   /api/overview                   who asks, the cluster, its jobs (the newest) and nodes
  //   /api/jobs/JOB                   a job by id or name, its events, its losses as last heard of
  //   /api/jobs/JOB/curve             curve.h, of what the job has kept
  //   /api/jobs/JOB/reconstruction    its newest picture, PNG
  // NOT_FOUND for anything else, and where the job has none; else as the API says.
  absl::StatusOr<PageAnswer> To(const PageRequest& request);

 private:
  absl::StatusOr<PageAnswer> Overview(const PageRequest& request);
  absl::StatusOr<PageAnswer> Describe(const PageRequest& request, const std::string& name);
  absl::StatusOr<v1::Job> GetJob(const PageRequest& request, const std::string& name);
  // Bytes of what the job has of this kind, wherever in its own part of the store it lies.
  absl::StatusOr<std::string> Artifact(const v1::Job& job, const std::string& kind);

  std::unique_ptr<v1::AuthService::Stub> auth_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::NodeService::Stub> nodes_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  Objects* objects_;
  const LiveGangs* live_;
};

}  // namespace ocellus::coordinator
