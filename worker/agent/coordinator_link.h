// The calls of WorkerService, with deadline, session and error details (docs/PROTOCOL.md).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "grpcpp/grpcpp.h"
#include "ocellus/v1/worker.grpc.pb.h"
#include "worker/agent/limits.h"

namespace ocellus::agent {

// What to do about an answer.
enum class Verdict {
  kDone,
  kRetry,         // nothing was changed, or nobody knows: send the same again
  kRefused,       // this request will never be taken
  kGangStale,     // kill the gang
  kSessionStale,  // another process has taken over the node: end
};
Verdict Judge(const absl::Status& status);

// Thread-safe.
class CoordinatorLink {
 public:
  using Stream = grpc::ClientReaderWriterInterface<v1::SessionRequest, v1::SessionResponse>;

  CoordinatorLink(std::string node, const Limits& limits);

  // Calls go through `channel` from now on. Needed before the first one; later it ends the
  // session's stream, which the session opens anew.
  void Use(const std::shared_ptr<grpc::Channel>& channel);

  // A context with our metadata that Shutdown cancels, for as long as this lives.
  class Call {
   public:
    explicit Call(CoordinatorLink* link);
    ~Call();
    grpc::ClientContext* context() { return &context_; }

   private:
    CoordinatorLink* link_;
    grpc::ClientContext context_;
  };

  absl::Status Register(v1::RegisterRequest request, v1::RegisterResponse* response);
  std::unique_ptr<Stream> OpenSession(Call* call);

  // These fill in node and session.
  absl::Status ReportEvents(v1::ReportEventsRequest request);
  absl::Status PutLogs(v1::PutLogsRequest request);
  absl::Status BeginCheckpoint(v1::BeginCheckpointRequest request,
                               v1::BeginCheckpointResponse* response);
  absl::Status CommitCheckpoint(v1::CommitCheckpointRequest request,
                                v1::CommitCheckpointResponse* response);
  absl::Status ReportDamage(v1::ReportDamageRequest request);

  // True while the session's stream is open: other calls before that would only be refused.
  void SetConnected(bool connected);
  bool connected() const { return connected_; }
  // How long that has not been so; 0 while it is.
  Millis SilentFor() const;
  int64_t session() const { return session_; }

  // Cancels all calls, also those to come.
  void Shutdown();

 private:
  template <typename Request, typename Response>
  using Method = grpc::Status (v1::WorkerService::Stub::*)(grpc::ClientContext*, const Request&,
                                                           Response*);
  template <typename Request, typename Response>
  absl::Status Unary(Method<Request, Response> method, const Request& request, Response* response);
  template <typename Request>
  void Sign(Request* request) const;
  std::shared_ptr<v1::WorkerService::Stub> stub() const;

  const std::string node_;
  const Millis call_deadline_;
  std::atomic<int64_t> session_{0};
  std::atomic<bool> connected_{false};
  mutable std::mutex mutex_;
  SteadyTime silent_since_ = SteadyClock::now();
  std::shared_ptr<v1::WorkerService::Stub> stub_;
  std::set<grpc::ClientContext*> active_;
  grpc::ClientContext* session_call_ = nullptr;  // of the stream, one of active_
  bool shut_down_ = false;
};

}  // namespace ocellus::agent
