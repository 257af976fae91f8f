#include "tools/cli/error_text.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/protocol.h"
#include "coordinator/client/readable.h"

namespace ocellus::cli {
namespace {

std::string OfReason(v1::ErrorReason reason) {
  switch (reason) {
    case v1::ERROR_REASON_INVALID_SPEC:
      return "`ocellus explain KEY` tells what a key means";
    case v1::ERROR_REASON_IDEMPOTENCY_KEY_REUSED:
      return "leave --request-id out to submit this as a new job";
    case v1::ERROR_REASON_ETAG_MISMATCH:
      return "look at it again with `ocellus job get`, then repeat";
    case v1::ERROR_REASON_JOB_NOT_FOUND:
      return "`ocellus job list` shows the jobs there are";
    case v1::ERROR_REASON_CHECKPOINT_NOT_FOUND:
      return "`ocellus checkpoint list JOB` shows the checkpoints there are";
    case v1::ERROR_REASON_NODE_NOT_FOUND:
      return "`ocellus node list` shows the nodes there are";
    case v1::ERROR_REASON_WRONG_STATE:
      return "`ocellus job why JOB` tells what state it is in";
    case v1::ERROR_REASON_VERSION_UNSUPPORTED:
      return absl::StrCat("this is ocellus ", coordinator::kVersion, " with protocol ",
                          coordinator::kProtocol, "; `ocellus --version` names it");
    case v1::ERROR_REASON_NOT_AUTHENTICATED:
      return "`ocellus login` with a token that an admin made (`ocellus token create`)";
    case v1::ERROR_REASON_ROLE_MISSING:
      return "`ocellus whoami` shows your roles; an admin gives more with `ocellus role grant`";
    case v1::ERROR_REASON_TOKEN_NOT_FOUND:
      return "`ocellus token list` shows the tokens there are";
    case v1::ERROR_REASON_STORE_UNAVAILABLE:
      return "nothing was changed; free space on the coordinator's disk, then repeat";
    default:
      return "";
  }
}

std::string OfCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
      return "start one with `ocellus up`, or name another with --server or OCELLUS_SERVER";
    case absl::StatusCode::kDeadlineExceeded:
      return "look at its log, or give it longer with --timeout";
    case absl::StatusCode::kUnimplemented:
      return "upgrade the coordinator, or check --server and OCELLUS_SERVER";
    case absl::StatusCode::kNotFound:
      return "`ocellus job list` shows the jobs there are";
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return "the coordinator's log says more";
    default:
      return "";
  }
}

}  // namespace

std::string ErrorText(const absl::Status& status, const std::string& address) {
  std::string text = coordinator::Readable(status, address);
  std::string next = OfReason(coordinator::ReasonOf(status));
  if (next.empty() && coordinator::ReasonOf(status) == v1::ERROR_REASON_UNSPECIFIED) {
    next = OfCode(status.code());
  }
  const bool says_it = absl::StrContains(text, "`ocellus ");
  if (!next.empty() && !says_it) {
    absl::StrAppend(&text, "\n  next: ", next);
  }
  return text;
}

}  // namespace ocellus::cli
