// Connections to a coordinator.
#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"

namespace ocellus::coordinator {

// A channel with keepalive, quick reconnection and the message limits of base/protocol.h. Does not
// connect yet. Thread-safe; keep one a process.
std::shared_ptr<grpc::Channel> Connect(const std::string& address);

// Every call carries our protocol's number and a deadline: C++ has no default for either.
void Prepare(grpc::ClientContext* context, absl::Duration timeout);

}  // namespace ocellus::coordinator
