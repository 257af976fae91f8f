// ocellus.v1.WorkerService: what agents say (docs/PROTOCOL.md). Every refusal of a stale generation
// or session is counted, and the first one of a generation is told in its job's history.
// Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "coordinator/api/parts.h"
#include "coordinator/api/stale_history.h"
#include "ocellus/v1/worker.grpc.pb.h"

namespace ocellus::coordinator {

class WorkerService final : public v1::WorkerService::Service {
 public:
  // The counters of refusals exist at 0 from here on.
  explicit WorkerService(const ApiParts& parts);

  grpc::Status Register(grpc::ServerContext* context, const v1::RegisterRequest* request,
                        v1::RegisterResponse* response) override;
  grpc::Status Session(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::SessionResponse, v1::SessionRequest>* stream) override;
  grpc::Status ReportEvents(grpc::ServerContext* context, const v1::ReportEventsRequest* request,
                            v1::ReportEventsResponse* response) override;
  grpc::Status PutLogs(grpc::ServerContext* context, const v1::PutLogsRequest* request,
                       v1::PutLogsResponse* response) override;
  grpc::Status BeginCheckpoint(grpc::ServerContext* context,
                               const v1::BeginCheckpointRequest* request,
                               v1::BeginCheckpointResponse* response) override;
  grpc::Status CommitCheckpoint(grpc::ServerContext* context,
                                const v1::CommitCheckpointRequest* request,
                                v1::CommitCheckpointResponse* response) override;
  grpc::Status ReportDamage(grpc::ServerContext* context, const v1::ReportDamageRequest* request,
                            v1::ReportDamageResponse* response) override;

 private:
  // Serves a call about a gang: session and gang must be current on the node, then `body`.
  template <typename Request>
  grpc::Status Serve(grpc::ServerContext& context, const Request& request, const std::string& rpc,
                     absl::FunctionRef<absl::Status()> body);
  // A session's stream, from its first message on.
  absl::Status Converse(grpc::ServerContext* context, v1::SessionRequest request,
                        grpc::ServerReaderWriter<v1::SessionResponse, v1::SessionRequest>* stream);
  // One heartbeat of it.
  absl::Status Beat(const v1::SessionRequest& request);
  void CountIfStale(const std::string& node, const std::string& rpc, const absl::Status& status);
  // Announced gangs that are not current.
  void Remember(const std::string& node,
                const google::protobuf::RepeatedPtrField<v1::GangStatus>& announced,
                const std::vector<v1::GangRef>& stale);

  const ApiParts parts_;
  StaleHistory history_;
};

}  // namespace ocellus::coordinator
