#include "coordinator/launch/pod_watch.h"

#include <algorithm>
#include <utility>

#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {
namespace {

constexpr char kTimeout[] = "timeout";
constexpr char kGoneStatus[] = "gone_status";
constexpr char kGoneEvent[] = "gone_event";
constexpr char kUnauthorized[] = "unauthorized";
constexpr char kThrottled[] = "throttled";
constexpr char kCut[] = "cut";
constexpr char kError[] = "error";

const char* ReasonOfEnd(const WatchEnd& end) {
  switch (end.status.code()) {
    case absl::StatusCode::kOk:
      return kTimeout;
    case absl::StatusCode::kOutOfRange:
      return end.by_event ? kGoneEvent : kGoneStatus;
    case absl::StatusCode::kUnauthenticated:
      return kUnauthorized;
    case absl::StatusCode::kResourceExhausted:
      return kThrottled;
    case absl::StatusCode::kUnavailable:
      return kCut;
    default:
      return kError;
  }
}

}  // namespace

PodWatch::PodWatch(KubeCredentials* credentials, PodWatchOptions options, Metrics* metrics,
                   std::function<void()> changed)
    : client_(credentials),
      options_(std::move(options)),
      metrics_(metrics),
      changed_(std::move(changed)),
      random_(options_.seed),
      pause_(options_.pause_first) {
  for (const char* reason :
       {kTimeout, kGoneStatus, kGoneEvent, kUnauthorized, kThrottled, kCut, kError}) {
    metrics_->Counter(metric::kKubernetesWatchRestarts, {{"reason", reason}});
  }
}

PodWatch::~PodWatch() { Stop(); }

void PodWatch::Start() {
  thread_ = std::thread([this] { Run(); });
}

void PodWatch::Stop() {
  stop_.Close();
  client_.Cancel();
  if (thread_.joinable()) {
    thread_.join();
  }
}

std::optional<Pods> PodWatch::Get() const {
  const std::lock_guard lock(mutex_);
  return pods_;
}

std::string PodWatch::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void PodWatch::SetTrouble(const std::string& text) {
  const std::lock_guard lock(mutex_);
  trouble_ = text;
}

absl::Duration PodWatch::Between(absl::Duration least, absl::Duration most) {
  return least + (most - least) * std::uniform_real_distribution<double>(0, 1)(random_);
}

void PodWatch::Pause() {
  stop_.Wait(0, Between(pause_ / 2, pause_));
  pause_ = std::min(pause_ * 2, options_.pause_last);
}

void PodWatch::Restart(const char* reason, const absl::Status& status) {
  metrics_->Counter(metric::kKubernetesWatchRestarts, {{"reason", reason}}).Increment();
  if (!status.ok()) {
    Log(LogSeverity::kWarning, "kubernetes_watch_restarts",
        {{"reason", reason}, {"why", std::string(status.message())}});
    SetTrouble(std::string(status.message()));
  }
}

bool PodWatch::ListAll(std::string* version) {
  auto list = client_.List(options_.path, options_.label_selector);
  if (!list.ok()) {
    if (!stop_.closed()) {
      Restart(ReasonOfEnd({list.status(), false}), list.status());
    }
    return false;
  }
  Pods pods;
  for (const auto& item : list->items) {
    auto pod = ReadPod(item);
    if (pod.ok()) {
      pods[pod->name] = *std::move(pod);
    } else {
      Log(LogSeverity::kWarning, "pod_not_ours", {{"why", std::string(pod.status().message())}});
    }
  }
  *version = list->resource_version;
  {
    const std::lock_guard lock(mutex_);
    pods_ = std::move(pods);
    trouble_.clear();
  }
  changed_();
  return true;
}

void PodWatch::Take(const WatchEvent& event, std::string* version) {
  pause_ = options_.pause_first;
  const std::string seen = KubeText(event.object, {"metadata", "resourceVersion"});
  *version = seen.empty() ? *version : seen;
  SetTrouble("");
  if (event.kind == WatchEvent::Kind::kBookmark) {
    return;
  }
  auto pod = ReadPod(event.object);
  if (!pod.ok()) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    if (event.kind == WatchEvent::Kind::kDeleted) {
      pods_->erase(pod->name);
    } else {
      (*pods_)[pod->name] = *std::move(pod);
    }
  }
  changed_();
}

bool PodWatch::WatchFrom(std::string* version) {
  const WatchEnd end =
      client_.Watch(options_.path, options_.label_selector, *version,
                    absl::Floor(Between(options_.watch_min, options_.watch_max), absl::Seconds(1)),
                    [&](const WatchEvent& event) { Take(event, version); });
  if (stop_.closed()) {
    return false;
  }
  Restart(ReasonOfEnd(end), end.status);
  if (absl::IsOutOfRange(end.status)) {
    const std::lock_guard lock(mutex_);
    pods_.reset();
    return false;
  }
  // Also after an end in order: whoever ends watches at once shall not be asked all the time.
  Pause();
  return true;
}

void PodWatch::Run() {
  std::string version;
  while (!stop_.closed()) {
    if (!ListAll(&version)) {
      Pause();
      continue;
    }
    while (!stop_.closed() && WatchFrom(&version)) {
    }
    if (!stop_.closed() && !Get().has_value()) {
      Pause();
    }
  }
}

}  // namespace ocellus::coordinator
