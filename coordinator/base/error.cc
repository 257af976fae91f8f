#include "coordinator/base/error.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace ocellus::coordinator {
namespace {

constexpr char kTypePrefix[] = "type.googleapis.com/";
constexpr char kReasonPrefix[] = "ERROR_REASON_";
constexpr absl::Duration kStoreRetryDelay = absl::Seconds(2);

template <typename Message>
std::string UrlOf() {
  return absl::StrCat(kTypePrefix, Message::descriptor()->full_name());
}

template <typename Message>
void Attach(const Message& detail, absl::Status* status) {
  status->SetPayload(UrlOf<Message>(), absl::Cord(detail.SerializeAsString()));
}

template <typename Message>
std::optional<Message> Detail(const absl::Status& status) {
  const auto payload = status.GetPayload(UrlOf<Message>());
  Message detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) {
    return std::nullopt;
  }
  return detail;
}

}  // namespace

absl::Status Error(absl::StatusCode code, v1::ErrorReason reason, const std::string& message,
                   const std::map<std::string, std::string>& metadata) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(absl::StripPrefix(v1::ErrorReason_Name(reason), kReasonPrefix)));
  info.set_domain(kErrorDomain);
  info.mutable_metadata()->insert(metadata.begin(), metadata.end());
  absl::Status status(code, message);
  Attach(info, &status);
  return status;
}

absl::Status BadRequest(const std::vector<FieldViolation>& violations) {
  google::rpc::BadRequest bad;
  std::string message = violations.size() == 1
                            ? "the request has a mistake:"
                            : absl::StrCat("the request has ", violations.size(), " mistakes:");
  for (const auto& [field, what] : violations) {
    auto* violation = bad.add_field_violations();
    violation->set_field(field);
    violation->set_description(what);
    absl::StrAppend(&message, "\n  ", field, ": ", what);
  }
  absl::Status status =
      Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_SPEC, message);
  Attach(bad, &status);
  return status;
}

absl::Status StoreUnavailable(const std::string& message) {
  absl::Status status =
      Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_STORE_UNAVAILABLE, message);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(kStoreRetryDelay));
  Attach(retry, &status);
  return status;
}

absl::Status RateLimited(const std::string& message, absl::Duration retry_after) {
  absl::Status status =
      Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_RATE_LIMITED, message);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(retry_after));
  retry.mutable_retry_delay()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(retry_after) % 1'000'000'000));
  Attach(retry, &status);
  return status;
}

absl::Status NotAuthenticated(const std::string& message) {
  return Error(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_NOT_AUTHENTICATED, message);
}

v1::ErrorReason ReasonOf(const absl::Status& status) {
  const auto info = Detail<google::rpc::ErrorInfo>(status);
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  if (info.has_value() && info->domain() == kErrorDomain) {
    v1::ErrorReason_Parse(absl::StrCat(kReasonPrefix, info->reason()), &reason);
  }
  return reason;
}

std::map<std::string, std::string> MetadataOf(const absl::Status& status) {
  const auto info = Detail<google::rpc::ErrorInfo>(status);
  if (!info.has_value()) {
    return {};
  }
  return {info->metadata().begin(), info->metadata().end()};
}

std::vector<FieldViolation> ViolationsOf(const absl::Status& status) {
  std::vector<FieldViolation> violations;
  if (const auto bad = Detail<google::rpc::BadRequest>(status); bad.has_value()) {
    for (const auto& violation : bad->field_violations()) {
      violations.emplace_back(violation.field(), violation.description());
    }
  }
  return violations;
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) {
    return grpc::Status::OK;
  }
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    auto* detail = details.add_details();
    detail->set_type_url(std::string(url));
    detail->set_value(std::string(payload));
  });
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), details.message(),
                      details.SerializeAsString());
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) {
    return absl::OkStatus();
  }
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const auto& detail : details.details()) {
      result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
    }
  }
  return result;
}

}  // namespace ocellus::coordinator
