// A WorkerService that remembers what it is told and answers as a test wants.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ocellus/v1/error_reason.pb.h"
#include "ocellus/v1/worker.grpc.pb.h"

namespace ocellus::agent {

// What an agent has said so far.
struct Heard {
  std::vector<v1::RegisterRequest> registrations;
  std::vector<v1::SessionRequest> beats;
  std::vector<v1::GangEvent> events;
  std::vector<v1::LogLine> lines;
  int64_t dropped = 0;
  std::vector<v1::BeginCheckpointRequest> begins;
  std::vector<v1::CommitCheckpointRequest> commits;
  std::vector<v1::ReportDamageRequest> damages;

  std::vector<v1::GangEvent> Ends() const;
  std::vector<std::string> Texts() const;  // of the lines
  int64_t NewestStep(int rank) const;      // of progress
};

class FakeCoordinator : public v1::WorkerService::Service {
 public:
  // Listens on 127.0.0.1:`port`; 0 picks one.
  explicit FakeCoordinator(int port = 0);
  ~FakeCoordinator() override;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }

  // Down the newest stream, once there is one.
  void Send(const v1::SessionResponse& order);
  // Cuts the streams; agents may come back.
  void CutStreams();
  // Returns when `condition` holds; false after 20 s.
  bool WaitFor(const std::function<bool(const Heard&)>& condition);
  Heard heard();

  // Asked before each call is taken ("Register", "PutLogs" ...); an error is the call's answer.
  void SetAnswer(std::function<absl::Status(const std::string& call)> answer);
  // What Register answers beside the session.
  void SetStale(std::vector<v1::GangRef> stale);

  grpc::Status Register(grpc::ServerContext*, const v1::RegisterRequest*,
                        v1::RegisterResponse*) override;
  grpc::Status Session(grpc::ServerContext*,
                       grpc::ServerReaderWriter<v1::SessionResponse, v1::SessionRequest>*) override;
  grpc::Status ReportEvents(grpc::ServerContext*, const v1::ReportEventsRequest*,
                            v1::ReportEventsResponse*) override;
  grpc::Status PutLogs(grpc::ServerContext*, const v1::PutLogsRequest*,
                       v1::PutLogsResponse*) override;
  grpc::Status BeginCheckpoint(grpc::ServerContext*, const v1::BeginCheckpointRequest*,
                               v1::BeginCheckpointResponse*) override;
  grpc::Status CommitCheckpoint(grpc::ServerContext*, const v1::CommitCheckpointRequest*,
                                v1::CommitCheckpointResponse*) override;
  grpc::Status ReportDamage(grpc::ServerContext*, const v1::ReportDamageRequest*,
                            v1::ReportDamageResponse*) override;

 private:
  // The scripted answer; else books with `take`.
  grpc::Status Take(const std::string& call, const std::function<void(Heard*)>& take);

  std::mutex mutex_;
  std::condition_variable changed_;
  Heard heard_;
  std::vector<v1::SessionResponse> orders_;
  std::vector<v1::GangRef> stale_;
  std::function<absl::Status(const std::string&)> answer_;
  int streams_ = 0;  // how many there have been; only the newest gets orders
  int cut_ = 0;      // those up to this end
  bool ending_ = false;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// FAILED_PRECONDITION / STALE_GENERATION and the like.
absl::Status Refusal(v1::ErrorReason reason);

}  // namespace ocellus::agent
