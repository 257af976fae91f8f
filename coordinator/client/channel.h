// Connections to a coordinator.
#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"

namespace ocellus::coordinator {

// How a coordinator is spoken to. Files are watched: a new certificate or authority serves the next
// connection.
struct Approach {
  // Without TLS, and then without any credential.
  bool plaintext = true;
  // Who the coordinator's certificate must be signed by, PEM. Empty: those that the system trusts.
  std::string authority;
  // A node's certificate and key, PEM; both empty: none.
  std::string certificate, key;
  // A person's token.
  std::string token;
};

// A channel with keepalive, quick reconnection and the message limits of base/protocol.h. Does not
// connect yet. Thread-safe; keep one a process.
std::shared_ptr<grpc::Channel> Connect(const std::string& address, const Approach& approach = {});

// Every call carries our protocol's number and a deadline: C++ has no default for either.
void Prepare(grpc::ClientContext* context, absl::Duration timeout);

}  // namespace ocellus::coordinator
