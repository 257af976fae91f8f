// What every call goes through: the client's protocol, the size of its request, and the way of an
// error back to it.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "grpcpp/grpcpp.h"

namespace ocellus::coordinator {

// FAILED_PRECONDITION / VERSION_UNSUPPORTED when the client says another protocol than ours; its
// message says which side to upgrade. A client that says nothing (grpcurl) is served.
absl::Status CheckProtocol(const grpc::ServerContext& context);

// RESOURCE_EXHAUSTED / TOO_LARGE above kRequestBytesMax.
absl::Status CheckSize(const google::protobuf::Message& request);

// Both checks, then the body.
grpc::Status Answer(const grpc::ServerContext& context, const google::protobuf::Message& request,
                    absl::FunctionRef<absl::Status()> body);

// Pages: the size that is used, and the number in a token ("" is 0). INVALID_ARGUMENT.
int PageSize(int wished);
absl::StatusOr<int64_t> ParsePageToken(const std::string& token);

}  // namespace ocellus::coordinator
