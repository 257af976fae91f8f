#include "coordinator/auth/gate.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/auth/credentials.h"
#include "coordinator/base/error.h"
#include "coordinator/base/log.h"
#include "coordinator/base/random_id.h"
#include "coordinator/base/redact.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/base/x509.h"
#include "coordinator/state/audit.h"

namespace ocellus::coordinator {
namespace {

using google::protobuf::Message;

constexpr std::chrono::seconds kWatchInterval{1};
constexpr char kRequestIdKey[] = "ocellus-request-id";
constexpr int kRequestIdLength = 12;

}  // namespace

Admission::Admission(Gate* gate, Caller caller, const Rule* rule)
    : gate_(gate), caller_(std::move(caller)), rule_(rule) {}

Admission::Admission(Admission&& other) noexcept
    : gate_(other.gate_),
      caller_(std::move(other.caller_)),
      rule_(other.rule_),
      project_(std::move(other.project_)),
      request_id_(std::move(other.request_id_)),
      stream_(std::exchange(other.stream_, 0)) {}

Admission::~Admission() {
  if (stream_ != 0) gate_->CloseStream(stream_);
}

Gate::Gate(Mode mode, Store* store, const Clock* clock, Metrics* metrics, const CallLimits& limits)
    : mode_(mode), store_(store), clock_(clock), metrics_(metrics), limiter_(limits, clock) {
  if (mode_ == Mode::kSecure) watcher_ = std::thread([this] { WatchStreams(); });
}

Gate::~Gate() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (watcher_.joinable()) watcher_.join();
}

absl::StatusOr<Caller> Gate::OfToken(const std::string& token) const {
  Caller caller;
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const auto row, FindTokenByHash(db, HashOfSecret(token)));
    if (!row.has_value()) return NotAuthenticated("the token is not known here; `ocellus login`");
    if (!row->IsGood(clock_->Now())) {
      return NotAuthenticated(
          absl::StrCat("the token ", row->id, " has ",
                       row->revoked == absl::InfinitePast() ? "expired" : "been revoked",
                       "; `ocellus login` with another one"));
    }
    caller.kind = Caller::Kind::kUser;
    caller.name = row->principal;
    caller.credential = row->id;
    caller.expires = row->expires;
    OCELLUS_ASSIGN_OR_RETURN(caller.roles, RolesOf(db, row->principal));
    return absl::OkStatus();
  }));
  return caller;
}

absl::StatusOr<Caller> Gate::OfCertificate(const std::string& pem) const {
  OCELLUS_ASSIGN_OR_RETURN(const CertificateFacts facts, ReadCertificate(pem));
  // The handshake has checked who signed it, and the time as it was then.
  if (facts.use != CertificateUse::kNode || facts.not_after <= clock_->Now()) {
    return NotAuthenticated("the client certificate has expired, or is none of a node");
  }
  bool good = false;
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(good, IsNodeCertificateGood(db, facts.serial, facts.common_name));
    return absl::OkStatus();
  }));
  if (!good) {
    return NotAuthenticated(absl::StrCat("the certificate of node ", facts.common_name,
                                         " has been revoked; it needs a new join token"));
  }
  Caller caller;
  caller.kind = Caller::Kind::kNode;
  caller.name = facts.common_name;
  caller.credential = facts.serial;
  caller.expires = facts.not_after;
  return caller;
}

absl::StatusOr<Caller> Gate::Identify(const std::string& token, const std::string& certificate,
                                      const std::string& peer) {
  if (mode_ == Mode::kLocal) return LocalCaller(peer);
  Caller caller;
  if (!token.empty() || !certificate.empty()) {
    auto found = token.empty() ? OfCertificate(certificate) : OfToken(token);
    if (!found.ok()) {
      metrics_->Counter(metric::kAuthFailures, {{"kind", token.empty() ? "certificate" : "token"}})
          .Increment();
      OCELLUS_RETURN_IF_ERROR(limiter_.TakeAnonymous(peer));
      return found.status();
    }
    caller = *std::move(found);
  }
  caller.peer = peer;
  OCELLUS_RETURN_IF_ERROR(limiter_.Take(caller));
  return caller;
}

absl::Status Gate::CheckCredential(const std::string& token, const std::string& certificate,
                                   const std::string& peer) {
  OCELLUS_ASSIGN_OR_RETURN(const Caller caller, Identify(token, certificate, peer));
  return caller.kind == Caller::Kind::kAnonymous
             ? NotAuthenticated("reflection needs a token, as every call does")
             : absl::OkStatus();
}

absl::StatusOr<Admission> Gate::Admit(grpc::ServerContext* context, const Message& request) {
  const Rule& rule = RuleOf(request);
  const Offered offered = OfferedBy(*context);
  OCELLUS_ASSIGN_OR_RETURN(Caller caller,
                           Identify(offered.token, offered.certificate, offered.peer));
  Admission admission(this, std::move(caller), &rule);
  admission.request_id_ = FieldOf(request, "request_id");
  if (rule.audited && admission.request_id_.empty()) {
    admission.request_id_ = RandomName(kRequestIdLength);
    context->AddInitialMetadata(kRequestIdKey, admission.request_id_);
  }
  const absl::Status allowed = Authorize(admission.caller_, rule, request, &admission.project_);
  if (!allowed.ok()) {
    metrics_->Counter(metric::kAuthDenied, {{"method", rule.method}}).Increment();
    return Close(admission, request, allowed);
  }
  if (rule.streams) {
    OCELLUS_RETURN_IF_ERROR(limiter_.OpenStream(admission.caller_));
    admission.stream_ = OpenStream(admission, context);
  }
  return admission;
}

absl::Status Gate::Close(const Admission& admission, const Message& request, absl::Status status) {
  if (!admission.rule_->audited) return status;
  const absl::Status written = Record(admission.caller_, *admission.rule_, admission.project_,
                                      admission.request_id_, request, status);
  return written.ok() || !status.ok() ? status : written;
}

absl::Status Gate::Record(const Caller& caller, const Rule& rule, const std::string& project,
                          const std::string& request_id, const Message& request,
                          const absl::Status& result) {
  v1::AuditEntry entry;
  entry.set_actor(caller.Actor());
  entry.set_peer(caller.peer);
  entry.set_method(rule.method);
  entry.set_project(project);
  entry.set_request(DescribeRequest(request));
  entry.set_result(result.ok() ? "OK" : absl::StatusCodeToString(result.code()));
  entry.set_message(Redact(std::string(result.message())));
  entry.set_request_id(request_id);
  return store_->Write("audit",
                       [&](Database& db) { return AppendAudit(db, entry, clock_->Now()); });
}

int64_t Gate::OpenStream(const Admission& admission, grpc::ServerContext* context) {
  const std::lock_guard lock(mutex_);
  streams_[++last_stream_] = {admission.caller_, admission.rule_, context};
  return last_stream_;
}

void Gate::CloseStream(int64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(number);
  limiter_.CloseStream(found->second.caller);
  streams_.erase(found);
}

bool Gate::IsStillGood(const Stream& stream) const {
  bool good = false;
  const Caller& caller = stream.caller;
  const absl::Status read = store_->Read([&](Database& db) -> absl::Status {
    if (caller.kind == Caller::Kind::kNode) {
      OCELLUS_ASSIGN_OR_RETURN(good, IsNodeCertificateGood(db, caller.credential, caller.name));
      good = good && clock_->Now() < caller.expires;
      return absl::OkStatus();
    }
    OCELLUS_ASSIGN_OR_RETURN(const auto token, FindToken(db, caller.credential));
    OCELLUS_ASSIGN_OR_RETURN(const Roles roles, RolesOf(db, caller.name));
    good = token.has_value() && token->IsGood(clock_->Now()) && roles == caller.roles;
    return absl::OkStatus();
  });
  // A store that cannot be read for a moment says nothing about the credential.
  return good || !read.ok();
}

void Gate::WatchStreams() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kWatchInterval, [this] { return ending_; })) {
    for (const auto& [number, stream] : streams_) {
      if (IsStillGood(stream)) continue;
      Log(LogSeverity::kWarning, "stream_cut",
          {{"actor", stream.caller.Actor()}, {"method", stream.rule->method}});
      stream.context->TryCancel();
    }
  }
}

}  // namespace ocellus::coordinator
