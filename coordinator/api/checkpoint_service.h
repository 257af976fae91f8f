// ocellus.v1.CheckpointService. Thread-safe.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "coordinator/api/parts.h"
#include "coordinator/auth/caller.h"
#include "coordinator/state/checkpoints.h"
#include "ocellus/v1/service.grpc.pb.h"

namespace ocellus::coordinator {

class CheckpointService final : public v1::CheckpointService::Service {
 public:
  explicit CheckpointService(const ApiParts& parts) : parts_(parts) {}

  grpc::Status ListCheckpoints(grpc::ServerContext* context,
                               const v1::ListCheckpointsRequest* request,
                               v1::ListCheckpointsResponse* response) override;
  grpc::Status GetCheckpoint(grpc::ServerContext* context, const v1::GetCheckpointRequest* request,
                             v1::GetCheckpointResponse* response) override;
  grpc::Status VerifyCheckpoint(grpc::ServerContext* context,
                                const v1::VerifyCheckpointRequest* request,
                                v1::VerifyCheckpointResponse* response) override;
  grpc::Status PinCheckpoint(grpc::ServerContext* context, const v1::PinCheckpointRequest* request,
                             v1::PinCheckpointResponse* response) override;
  grpc::Status DeleteCheckpoint(grpc::ServerContext* context,
                                const v1::DeleteCheckpointRequest* request,
                                v1::DeleteCheckpointResponse* response) override;
  grpc::Status RecordCopy(grpc::ServerContext* context, const v1::RecordCopyRequest* request,
                          v1::RecordCopyResponse* response) override;

 private:
  // Step 0 is the newest committed one.
  // Of a job where the caller has `role`.
  absl::StatusOr<CheckpointRow> Find(const Caller& caller, v1::Role role, const std::string& job,
                                     int64_t step);

  const ApiParts parts_;
};

}  // namespace ocellus::coordinator
