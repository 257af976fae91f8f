#include "worker/agent/identity.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "coordinator/base/log.h"
#include "coordinator/base/private_file.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/base/x509.h"
#include "coordinator/client/address.h"
#include "coordinator/client/call.h"
#include "coordinator/client/readable.h"

namespace ocellus::agent {
namespace {

using coordinator::Log;
using coordinator::LogSeverity;
using coordinator::Readers;
using coordinator::ReadSecret;
using coordinator::ReadWhole;
using coordinator::WriteWhole;

constexpr char kJoinVariable[] = "OCELLUS_JOIN_TOKEN";
constexpr absl::Duration kRetryFirst = absl::Milliseconds(500);
constexpr absl::Duration kRetryLast = absl::Seconds(5);
constexpr absl::Duration kWaitMax = absl::Hours(24 * 30);
// The share of what is left that is waited for: until renewal, and after one that failed.
constexpr int kAtHalf = 2;
constexpr int kOften = 20;
constexpr absl::Duration kCall = absl::Seconds(10);

// Empty when there is none.
absl::StatusOr<std::string> JoinToken(const std::string& file) {
  if (!file.empty()) return ReadSecret(file);
  const char* value = std::getenv(kJoinVariable);
  return value != nullptr ? std::string(value) : std::string();
}

absl::Status Unprotected(const std::string& coordinator) {
  return absl::FailedPreconditionError(absl::StrCat(
      coordinator,
      " is on another machine, and nothing protects what is said to it; give --ca "
      "FILE and --join FILE (`ocellus node join-token`), or --insecure-dev in a network of your "
      "own"));
}

}  // namespace

Identity::Identity(const IdentityOptions& options, Use use)
    : options_(options), use_(std::move(use)) {}

absl::StatusOr<std::unique_ptr<Identity>> Identity::Take(const IdentityOptions& options, Use use) {
  std::unique_ptr<Identity> identity(new Identity(options, std::move(use)));
  OCELLUS_ASSIGN_OR_RETURN(const std::string token, JoinToken(options.join_file));
  unsetenv(kJoinVariable);
  const bool known = ReadWhole(identity->Path("node.pem")).ok();
  const bool secure = !options.authority.empty() || !token.empty() || known;
  if (!secure || options.insecure_dev) {
    if (!options.insecure_dev && !coordinator::IsLoopback(options.coordinator)) {
      return Unprotected(options.coordinator);
    }
    identity->use_(coordinator::Connect(options.coordinator));
    return identity;
  }
  OCELLUS_RETURN_IF_ERROR(identity->Prepare());
  const auto left = identity->Left();
  if (!left.ok() || *left <= absl::ZeroDuration()) {
    OCELLUS_RETURN_IF_ERROR(identity->Join(token));
  }
  identity->approach_.certificate = identity->Path("node.pem");
  identity->approach_.key = identity->Path("node.key");
  identity->channel_ = coordinator::Connect(options.coordinator, identity->approach_);
  identity->use_(identity->channel_);
  identity->keeper_ = std::thread([it = identity.get()] { it->Keep(); });
  return identity;
}

absl::Status Identity::Prepare() {
  approach_.plaintext = false;
  approach_.authority = options_.authority;
  // Without --ca a worker that has joined before goes on with the authority of then.
  if (approach_.authority.empty() && ReadWhole(Path("authority.pem")).ok()) {
    approach_.authority = Path("authority.pem");
  }
  if (!approach_.authority.empty()) {
    OCELLUS_ASSIGN_OR_RETURN(const std::string pem, ReadWhole(approach_.authority));
    OCELLUS_RETURN_IF_ERROR(coordinator::ReadCertificate(pem).status());
    if (approach_.authority != Path("authority.pem")) {
      OCELLUS_RETURN_IF_ERROR(WriteWhole(Path("authority.pem"), pem, Readers::kEverybody));
    }
  }
  return MakeKey();
}

absl::Status Identity::MakeKey() {
  if (ReadWhole(Path("node.key")).ok()) return absl::OkStatus();
  OCELLUS_ASSIGN_OR_RETURN(const std::string key, coordinator::NewPrivateKey());
  return WriteWhole(Path("node.key"), key, Readers::kOwner);
}

absl::StatusOr<absl::Duration> Identity::Left() const {
  OCELLUS_ASSIGN_OR_RETURN(const std::string pem, ReadWhole(Path("node.pem")));
  OCELLUS_ASSIGN_OR_RETURN(const auto facts, coordinator::ReadCertificate(pem));
  return facts.common_name == options_.node ? facts.not_after - absl::Now() : absl::ZeroDuration();
}

absl::Status Identity::Join(const std::string& token) {
  if (token.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("this machine has no good certificate for node ", options_.node,
                     "; make a join token with `ocellus node join-token ", options_.node,
                     "` and give it with --join FILE"));
  }
  OCELLUS_ASSIGN_OR_RETURN(const std::string key, ReadWhole(Path("node.key")));
  v1::JoinNodeRequest request;
  request.set_node(options_.node);
  request.set_join_token(token);
  OCELLUS_ASSIGN_OR_RETURN(*request.mutable_signing_request(),
                           coordinator::NewSigningRequest(key, options_.node));
  const auto stub = v1::AuthService::NewStub(coordinator::Connect(options_.coordinator, approach_));
  // When an answer is lost the token is used up, and another one is needed.
  const coordinator::CallPolicy policy{options_.join_wait, options_.join_wait, {}};
  const auto answer = coordinator::Call(*stub, &v1::AuthService::Stub::JoinNode, request, policy);
  if (!answer.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot join: ", coordinator::Readable(answer.status(), options_.coordinator)));
  }
  Log(LogSeverity::kInfo, "joined", {{"node", options_.node}});
  return WriteWhole(Path("node.pem"), answer->certificate(), Readers::kEverybody);
}

absl::Status Identity::Renew() {
  OCELLUS_ASSIGN_OR_RETURN(const std::string key, ReadWhole(Path("node.key")));
  v1::RenewNodeRequest request;
  request.set_node(options_.node);
  OCELLUS_ASSIGN_OR_RETURN(*request.mutable_signing_request(),
                           coordinator::NewSigningRequest(key, options_.node));
  const auto stub = v1::AuthService::NewStub(channel_);
  OCELLUS_ASSIGN_OR_RETURN(
      const auto answer,
      coordinator::Call(*stub, &v1::AuthService::Stub::RenewNode, request, {kCall, kCall, {}}));
  OCELLUS_RETURN_IF_ERROR(WriteWhole(Path("node.pem"), answer.certificate(), Readers::kEverybody));
  // Connections keep the certificate that they began with: begin new ones.
  channel_ = coordinator::Connect(options_.coordinator, approach_);
  use_(channel_);
  Log(LogSeverity::kInfo, "certificate_renewed", {{"node", options_.node}});
  return absl::OkStatus();
}

void Identity::Keep() {
  std::unique_lock lock(mutex_);
  for (int divisor = kAtHalf;;) {
    const absl::Duration wait =
        std::clamp(Left().value_or(kRetryLast) / divisor, kRetryFirst, kWaitMax);
    if (changed_.wait_for(lock, absl::ToChronoMilliseconds(wait), [this] { return ending_; })) {
      return;
    }
    lock.unlock();
    const absl::Status renewed = Renew();
    if (!renewed.ok()) {
      Log(LogSeverity::kWarning, "renew_failed", {{"why", std::string(renewed.message())}});
    }
    // Often enough that a short outage does not cost the node its certificate.
    divisor = renewed.ok() ? kAtHalf : kOften;
    lock.lock();
  }
}

Identity::~Identity() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (keeper_.joinable()) keeper_.join();
}

}  // namespace ocellus::agent
