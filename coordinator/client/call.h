// Unary calls: deadline, metadata, retry where that is safe, errors with their details.
#pragma once

#include <functional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/client/channel.h"

namespace ocellus::coordinator {

struct CallPolicy {
  // For everything, waits and repetitions included.
  absl::Duration timeout = absl::Seconds(20);
  // Repeat after UNAVAILABLE for so long. Only for calls that may happen twice: reads, and
  // CreateJob with its request id.
  absl::Duration retry_for = absl::ZeroDuration();
  // Told once before the first repetition; may be empty.
  std::function<void(const absl::Status&)> on_retry;
};

// The untyped part: `attempt` makes the call once with the given context.
absl::Status CallWithPolicy(const CallPolicy& policy,
                            const std::function<grpc::Status(grpc::ClientContext*)>& attempt);

// Call(*stub, &v1::JobService::Stub::GetJob, request, policy): the response, or a status whose
// google.rpc details base/error.h reads.
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Call(Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const Request& request, const CallPolicy& policy = {}) {
  Response response;
  absl::Status status = CallWithPolicy(policy, [&](grpc::ClientContext* context) {
    response.Clear();
    return (stub.*method)(context, request, &response);
  });
  if (!status.ok()) {
    return status;
  }
  return response;
}

}  // namespace ocellus::coordinator
