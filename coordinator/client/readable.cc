#include "coordinator/client/readable.h"

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/protocol.h"
#include "google/rpc/error_details.pb.h"

namespace ocellus::coordinator {
namespace {

template <typename Message>
std::optional<Message> Detail(const absl::Status& status) {
  const auto payload =
      status.GetPayload(absl::StrCat("type.googleapis.com/", Message::descriptor()->full_name()));
  Message detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) {
    return std::nullopt;
  }
  return detail;
}

// Adds "field: what" as a line of its own, unless the message says it already.
void AddLine(const std::string& subject, const std::string& what, std::string* text) {
  if (!absl::StrContains(*text, what)) {
    absl::StrAppend(text, "\n  ", subject, subject.empty() ? "" : ": ", what);
  }
}

std::string Headline(const absl::Status& status, const std::string& address) {
  const bool ours = ReasonOf(status) != v1::ERROR_REASON_UNSPECIFIED;
  if (ours) {
    return std::string(status.message());
  }
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      if (absl::StrContains(status.message(), "failed to connect")) {
        return absl::StrCat("no coordinator answers at ", address);
      }
      return absl::StrCat("no coordinator answers at ", address, " (", status.message(), ")");
    case absl::StatusCode::kDeadlineExceeded:
      return absl::StrCat("the coordinator at ", address, " did not answer in time");
    case absl::StatusCode::kUnimplemented:
      return absl::StrCat("the server at ", address, " does not know this call; it is older than ",
                          "this program (", kVersion, "), or no Ocellus coordinator");
    default:
      return status.message().empty() ? absl::StatusCodeToString(status.code())
                                      : std::string(status.message());
  }
}

}  // namespace

std::string Readable(const absl::Status& status, const std::string& address) {
  std::string text = Headline(status, address);
  for (const auto& [field, what] : ViolationsOf(status)) {
    AddLine(field, what, &text);
  }
  if (const auto failure = Detail<google::rpc::PreconditionFailure>(status)) {
    for (const auto& violation : failure->violations()) {
      AddLine(violation.subject(), violation.description(), &text);
    }
  }
  if (const auto failure = Detail<google::rpc::QuotaFailure>(status)) {
    for (const auto& violation : failure->violations()) {
      AddLine(violation.subject(), violation.description(), &text);
    }
  }
  if (const auto retry = Detail<google::rpc::RetryInfo>(status)) {
    absl::StrAppend(&text, "; try again in ", retry->retry_delay().seconds(), " s");
  }
  return text;
}

}  // namespace ocellus::coordinator
