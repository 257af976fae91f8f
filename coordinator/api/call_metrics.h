// Counts every call of every service, streams too: grpc_server_handled_total and
// grpc_server_handling_seconds.
#pragma once

#include <memory>

#include "coordinator/base/metrics.h"
#include "grpcpp/support/server_interceptor.h"

namespace ocellus::coordinator {

class CallMetrics final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  // `metrics` outlives the server.
  explicit CallMetrics(Metrics* metrics) : metrics_(metrics) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override;

 private:
  Metrics* metrics_;
};

}  // namespace ocellus::coordinator
