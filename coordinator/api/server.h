// The coordinator's gRPC port: every service, health, reflection. Stop is graceful: health says
// NOT_SERVING, streams end, calls have 20 s, then it closes.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/api/parts.h"
#include "grpcpp/grpcpp.h"

namespace ocellus::coordinator {

class Server {
 public:
  // Listens on `address` ("127.0.0.1:0" picks a port). FAILED_PRECONDITION when the port is in use;
  // the message names
  // --listen. What `parts` points to outlives the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const std::string& address, const std::shared_ptr<grpc::ServerCredentials>& credentials,
      const ApiParts& parts);
  ~Server();
  void Stop();
  // With the port that was picked.
  const std::string& address() const { return address_; }
  // To this server, without a network: through the same gate as everybody's calls.
  std::shared_ptr<grpc::Channel> OwnChannel();

 private:
  struct Services;
  explicit Server(const ApiParts& parts);

  const ApiParts parts_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace ocellus::coordinator
