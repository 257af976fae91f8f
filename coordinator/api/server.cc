#include "coordinator/api/server.h"

#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/api/auth_service.h"
#include "coordinator/api/call_metrics.h"
#include "coordinator/api/checkpoint_service.h"
#include "coordinator/api/cluster_service.h"
#include "coordinator/api/job_service.h"
#include "coordinator/api/log_service.h"
#include "coordinator/api/worker_service.h"
#include "coordinator/base/endpoint_file.h"
#include "coordinator/base/protocol.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"

namespace ocellus::coordinator {
namespace {

constexpr std::chrono::seconds kDrain{20};
constexpr int kPollersMax = 4;
// Calls at a time of one connection; more wait at the client.
constexpr int kStreamsOfConnection = 256;

void Configure(grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(kTransportBytesMax);
  builder->SetMaxSendMessageSize(kTransportBytesMax);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsOfConnection);
  builder->SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, kPollersMax);
  // Without this, two coordinators could listen on one port and share its calls.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Agents ping an idle connection, which the default takes for abuse.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              static_cast<int>(absl::ToInt64Milliseconds(kKeepaliveLeastAllowed)));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS,
                              static_cast<int>(absl::ToInt64Milliseconds(kKeepaliveTime)));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                              static_cast<int>(absl::ToInt64Milliseconds(kKeepaliveTimeout)));
}

}  // namespace

struct Server::Services {
  explicit Services(const ApiParts& parts)
      : auth(parts),
        jobs(parts),
        logs(parts),
        checkpoints(parts),
        nodes(parts),
        admin(parts),
        workers(parts) {}
  AuthService auth;
  JobService jobs;
  LogService logs;
  CheckpointService checkpoints;
  NodeService nodes;
  AdminService admin;
  WorkerService workers;
};

Server::Server(const ApiParts& parts)
    : parts_(parts), services_(std::make_unique<Services>(parts)) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const std::string& address, const std::shared_ptr<grpc::ServerCredentials>& credentials,
    const ApiParts& parts) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  std::unique_ptr<Server> server(new Server(parts));
  Services& services = *server->services_;
  grpc::ServerBuilder builder;
  Configure(&builder);
  int port = 0;
  builder.AddListeningPort(address, credentials, &port);
  for (grpc::Service* service : std::initializer_list<grpc::Service*>{
           &services.auth, &services.jobs, &services.logs, &services.checkpoints, &services.nodes,
           &services.admin, &services.workers}) {
    builder.RegisterService(service);
  }
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> observers;
  observers.push_back(std::make_unique<CallMetrics>(parts.metrics));
  builder.experimental().SetInterceptorCreators(std::move(observers));
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || port == 0) {
    return PortInUse(address, "--listen");
  }
  for (const char* service :
       {v1::AuthService::service_full_name(), v1::JobService::service_full_name(),
        v1::LogService::service_full_name(), v1::CheckpointService::service_full_name(),
        v1::NodeService::service_full_name(), v1::AdminService::service_full_name(),
        v1::WorkerService::service_full_name()}) {
    server->server_->GetHealthCheckService()->SetServingStatus(service, true);
  }
  server->address_ = absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
  return server;
}

Server::~Server() { Stop(); }

std::shared_ptr<grpc::Channel> Server::OwnChannel() {
  return server_->InProcessChannel(grpc::ChannelArguments());
}

void Server::Stop() {
  if (server_ == nullptr) {
    return;
  }
  server_->GetHealthCheckService()->SetServingStatus(false);
  parts_.live->changes().Close();
  parts_.logs->appended().Close();
  parts_.fleet->Close();
  server_->Shutdown(std::chrono::system_clock::now() + kDrain);
  server_->Wait();
  server_ = nullptr;
}

}  // namespace ocellus::coordinator
