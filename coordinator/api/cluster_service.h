// ocellus.v1.NodeService and AdminService: the cluster as it is now. Thread-safe.
#pragma once

#include "coordinator/api/parts.h"
#include "ocellus/v1/service.grpc.pb.h"

namespace ocellus::coordinator {

class NodeService final : public v1::NodeService::Service {
 public:
  explicit NodeService(const ApiParts& parts) : parts_(parts) {}
  // By name.
  grpc::Status ListNodes(grpc::ServerContext* context, const v1::ListNodesRequest* request,
                         v1::ListNodesResponse* response) override;

 private:
  const ApiParts parts_;
};

class AdminService final : public v1::AdminService::Service {
 public:
  explicit AdminService(const ApiParts& parts) : parts_(parts), start_time_(parts.clock->Now()) {}
  grpc::Status GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest* request,
                         v1::GetStatusResponse* response) override;

 private:
  const ApiParts parts_;
  const absl::Time start_time_;
};

}  // namespace ocellus::coordinator
