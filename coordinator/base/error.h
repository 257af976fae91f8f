// The one error vocabulary of the service: an absl::Status that carries google.rpc details, and its
// way over the wire. The code says how to react, ErrorReason says why, the message says what to do
// next.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "ocellus/v1/error_reason.pb.h"

namespace ocellus::coordinator {

inline constexpr char kErrorDomain[] = "ocellus.dev";

// With google.rpc.ErrorInfo: `reason` without its prefix, and `metadata`.
absl::Status Error(absl::StatusCode code, v1::ErrorReason reason, const std::string& message,
                   const std::map<std::string, std::string>& metadata = {});

// A field (key path) and what is wrong with it.
using FieldViolation = std::pair<std::string, std::string>;
// INVALID_ARGUMENT / INVALID_SPEC with google.rpc.BadRequest; the message lists all of them.
absl::Status BadRequest(const std::vector<FieldViolation>& violations);

// UNAVAILABLE / STORE_UNAVAILABLE with google.rpc.RetryInfo: nothing was changed; try again.
absl::Status StoreUnavailable(const std::string& message);

// RESOURCE_EXHAUSTED / RATE_LIMITED with google.rpc.RetryInfo: nothing was done.
absl::Status RateLimited(const std::string& message, absl::Duration retry_after);

// UNAUTHENTICATED / NOT_AUTHENTICATED.
absl::Status NotAuthenticated(const std::string& message);

// Of a status made by Error or received by FromGrpc; UNSPECIFIED when there is none.
v1::ErrorReason ReasonOf(const absl::Status& status);
// ErrorInfo's metadata, empty when absent.
std::map<std::string, std::string> MetadataOf(const absl::Status& status);
std::vector<FieldViolation> ViolationsOf(const absl::Status& status);

// Details travel as google.rpc.Status in grpc-status-details-bin.
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace ocellus::coordinator
