// What every call goes through: the client's protocol, the size of its request, the gate
// (coordinator/auth), and the way of an error back to it.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/api/parts.h"
#include "coordinator/auth/caller.h"
#include "google/protobuf/message.h"
#include "grpcpp/grpcpp.h"

namespace ocellus::coordinator {

// FAILED_PRECONDITION / VERSION_UNSUPPORTED when the client says another protocol than ours; its
// message says which side to upgrade. A client that says nothing (grpcurl) is served.
absl::Status CheckProtocol(const grpc::ServerContext& context);

// RESOURCE_EXHAUSTED / TOO_LARGE above kRequestBytesMax.
absl::Status CheckSize(const google::protobuf::Message& request);

// All checks, then the body for who calls, then the audit row. Every method of every service is
// one call of this; a stream's request is its first message.
grpc::Status Answer(const ApiParts& parts, grpc::ServerContext& context,
                    const google::protobuf::Message& request,
                    absl::FunctionRef<absl::Status(const Caller&)> body);

// Pages: the size that is used, and the number in a token ("" is 0). INVALID_ARGUMENT.
int PageSize(int wished);
absl::StatusOr<int64_t> ParsePageToken(const std::string& token);

}  // namespace ocellus::coordinator
