// <data-dir>/endpoint.json: where a process listens, for those who start it with port 0.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace ocellus::coordinator {

struct Endpoint {
  std::string grpc;     // "127.0.0.1:7410"; empty for a process without a gRPC port
  std::string metrics;  // "127.0.0.1:7411"
  std::string page;     // "http://127.0.0.1:7413/"; empty for a process without a page
};

// Replaces the file whole.
absl::Status WriteEndpoint(const std::string& data_dir, const Endpoint& endpoint);

// NOT_FOUND when the process has not come up yet.
absl::StatusOr<Endpoint> ReadEndpoint(const std::string& data_dir);

// "127.0.0.1:7410 is in use; stop what listens there, or give --listen with another port".
absl::Status PortInUse(const std::string& address, const std::string& flag);

}  // namespace ocellus::coordinator
