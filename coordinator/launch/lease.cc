#include "coordinator/launch/lease.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {
namespace {

using Json = nlohmann::json;

constexpr absl::Duration kCallTimeout = absl::Seconds(5);

std::string Collection(const KubeConfig& config) {
  return absl::StrCat("/apis/coordination.k8s.io/v1/namespaces/", config.name_space, "/leases");
}

std::string MicroTime(absl::Time at) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", at, absl::UTCTimeZone());
}

}  // namespace

Lease::Lease(KubeCredentials* credentials, LeaseOptions options, const Clock* clock,
             std::function<void()> changed)
    : client_(credentials, kCallTimeout),
      options_(std::move(options)),
      clock_(clock),
      changed_(std::move(changed)) {}

Lease::~Lease() { Stop(); }

bool Lease::held() const {
  const std::lock_guard lock(mutex_);
  return clock_->Monotonic() - renewed_at_ < options_.renew_deadline;
}

std::string Lease::holder() const {
  const std::lock_guard lock(mutex_);
  return KubeText(last_, {"spec", "holderIdentity"});
}

Json Lease::Make(const Json& old, const std::string& holder) const {
  const bool ours = KubeText(old, {"spec", "holderIdentity"}) == options_.holder;
  const std::string now = MicroTime(clock_->Now());
  Json lease = {{"apiVersion", "coordination.k8s.io/v1"}, {"kind", "Lease"}};
  lease["metadata"] = {{"name", options_.name}, {"namespace", client_.config().name_space}};
  if (const std::string version = KubeText(old, {"metadata", "resourceVersion"});
      !version.empty()) {
    lease["metadata"]["resourceVersion"] = version;
  }
  lease["spec"] = {{"holderIdentity", holder},
                   {"leaseDurationSeconds", absl::ToInt64Seconds(options_.duration)},
                   {"acquireTime", ours ? KubeText(old, {"spec", "acquireTime"}) : now},
                   {"renewTime", now},
                   {"leaseTransitions", KubeNumber(old, {"spec", "leaseTransitions"}, 0) +
                                            (ours || old.is_null() ? 0 : 1)}};
  return lease;
}

bool Lease::Over(const Json& lease) {
  const std::string holder = KubeText(lease, {"spec", "holderIdentity"});
  const std::string version = KubeText(lease, {"metadata", "resourceVersion"});
  const std::lock_guard lock(mutex_);
  if (version != seen_version_) {
    seen_version_ = version;
    seen_at_ = clock_->Monotonic();
  }
  last_ = lease;
  const int64_t seconds =
      KubeNumber(lease, {"spec", "leaseDurationSeconds"}, absl::ToInt64Seconds(options_.duration));
  return holder.empty() || holder == options_.holder ||
         clock_->Monotonic() - seen_at_ >= absl::Seconds(seconds);
}

void Lease::Kept(const Json& lease) {
  const bool before = held();
  {
    const std::lock_guard lock(mutex_);
    last_ = lease;
    renewed_at_ = clock_->Monotonic();
  }
  if (!before) {
    Log(LogSeverity::kInfo, "kubernetes_lease_held", {{"holder", options_.holder}});
    changed_();
  }
}

absl::Status Lease::Try() {
  const std::string path = absl::StrCat(Collection(client_.config()), "/", options_.name);
  const auto found = client_.Get(path);
  if (!found.ok() && !absl::IsNotFound(found.status())) {
    return found.status();
  }
  if (found.ok() && !Over(*found)) {
    return absl::OkStatus();
  }
  const Json mine = Make(found.ok() ? *found : Json(), options_.holder);
  const auto kept =
      found.ok() ? client_.Replace(path, mine) : client_.Create(Collection(client_.config()), mine);
  if (absl::IsAborted(kept.status()) || absl::IsAlreadyExists(kept.status())) {
    return absl::OkStatus();  // another one was first
  }
  OCELLUS_RETURN_IF_ERROR(kept.status());
  Kept(*kept);
  return absl::OkStatus();
}

void Lease::Release() {
  Json last;
  {
    const std::lock_guard lock(mutex_);
    last = last_;
    renewed_at_ = -absl::InfiniteDuration();
  }
  if (KubeText(last, {"spec", "holderIdentity"}) != options_.holder) {
    return;
  }
  // An expired Lease with no holder is taken at once by whoever comes next.
  const auto released = client_.Replace(
      absl::StrCat(Collection(client_.config()), "/", options_.name), Make(last, ""));
  if (!released.ok()) {
    Log(LogSeverity::kInfo, "kubernetes_lease_not_released",
        {{"why", std::string(released.status().message())}});
  }
}

void Lease::Run() {
  std::string trouble;
  while (!stop_.closed()) {
    const bool before = held();
    const absl::Status status = Try();
    const std::string now = status.ok() ? "" : std::string(status.message());
    if (now != trouble && !stop_.closed()) {
      Log(LogSeverity::kWarning, "kubernetes_lease", {{"trouble", now}, {"holder", holder()}});
      trouble = now;
    }
    if (before != held()) {
      changed_();
    }
    stop_.Wait(0, options_.retry);
  }
  Release();
}

void Lease::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Lease::Stop() {
  stop_.Close();
  if (thread_.joinable()) {
    thread_.join();
  }
}

}  // namespace ocellus::coordinator
