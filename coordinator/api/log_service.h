// ocellus.v1.LogService. Thread-safe.
#pragma once

#include "absl/status/status.h"
#include "coordinator/api/parts.h"
#include "coordinator/auth/caller.h"
#include "ocellus/v1/service.grpc.pb.h"

namespace ocellus::coordinator {

class LogService final : public v1::LogService::Service {
 public:
  explicit LogService(const ApiParts& parts) : parts_(parts) {}

  grpc::Status TailLogs(grpc::ServerContext* context, const v1::TailLogsRequest* request,
                        grpc::ServerWriter<v1::TailLogsResponse>* writer) override;

 private:
  absl::Status Tail(const grpc::ServerContext& context, const Caller& caller,
                    const v1::TailLogsRequest& request,
                    grpc::ServerWriter<v1::TailLogsResponse>* writer);

  const ApiParts parts_;
};

}  // namespace ocellus::coordinator
