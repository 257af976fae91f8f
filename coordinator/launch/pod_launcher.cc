#include "coordinator/launch/pod_launcher.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/launch/pod_owner.h"

namespace ocellus::coordinator {
namespace {

using Json = nlohmann::json;

PodWatchOptions WatchOptions(const PodLauncherOptions& options, const std::string& path) {
  PodWatchOptions watch;
  watch.path = path;
  watch.label_selector = absl::StrCat(kLauncherLabel, "=", options.settings.installation);
  watch.seed = options.seed;
  return watch;
}

// Between two tries at pods that the API server does not take.
constexpr absl::Duration kRefusalPause = absl::Seconds(5);

// The job cannot have this pod, whatever is tried: its wish, the template or a quota is wrong.
bool IsRefusal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsPermissionDenied(status) ||
         absl::IsAborted(status) || absl::IsAlreadyExists(status);
}

}  // namespace

PodLauncher::PodLauncher(KubeCredentials* credentials, PodLauncherOptions options,
                         const Clock* clock, Metrics* metrics, std::function<void()> changed)
    : options_(std::move(options)),
      pods_path_(absl::StrCat("/api/v1/namespaces/", options_.settings.name_space, "/pods")),
      changed_(std::move(changed)),
      clock_(clock),
      client_(credentials),
      watch_(credentials, WatchOptions(options_, pods_path_), metrics,
             [this] {
               wake_.Notify();
               changed_();
             }),
      half_gangs_(options_.half_gang_patience) {
  if (!options_.lease.empty()) {
    lease_ = std::make_unique<Lease>(
        credentials, LeaseOptions{.name = options_.lease, .holder = options_.holder}, clock,
        [this] { wake_.Notify(); });
  }
}

PodLauncher::~PodLauncher() { Stop(); }

void PodLauncher::Start() {
  watch_.Start();
  if (lease_ != nullptr) {
    lease_->Start();
  }
  thread_ = std::thread([this] { Run(); });
}

void PodLauncher::Stop() {
  stop_.Close();
  wake_.Close();
  client_.Cancel();
  if (thread_.joinable()) {
    thread_.join();
  }
  watch_.Stop();
  if (lease_ != nullptr) {
    lease_->Stop();
  }
}

void PodLauncher::Want(LaunchWishes wishes) {
  {
    const std::lock_guard lock(mutex_);
    wishes_ = std::move(wishes);
  }
  wake_.Notify();
}

std::set<std::string> PodLauncher::Closing() const {
  std::set<std::string> closing;
  for (const auto& [name, pod] : watch_.Get().value_or(Pods())) {
    if (pod.deleting || pod.ended()) {
      closing.insert(name);
    }
  }
  return closing;
}

std::optional<std::set<std::string>> PodLauncher::Present() const {
  const auto pods = watch_.Get();
  if (!pods.has_value()) {
    return std::nullopt;
  }
  std::set<std::string> present;
  for (const auto& [name, pod] : *pods) {
    present.insert(name);
  }
  return present;
}

std::string PodLauncher::Explain(const std::string& job_id) const {
  const auto pods = watch_.Get();
  if (!pods.has_value()) {
    return absl::StrCat("the Kubernetes API does not answer: ", watch_.trouble());
  }
  if (lease_ != nullptr && !lease_->held()) {
    return absl::StrCat("another coordinator makes the pods: ", lease_->holder());
  }
  {
    const std::lock_guard lock(mutex_);
    for (const auto* reasons : {&resting_, &refusals_}) {
      if (const auto found = reasons->find(job_id); found != reasons->end()) {
        return found->second;
      }
    }
  }
  int there = 0;
  int running = 0;
  std::string trouble;
  for (const auto& [name, pod] : *pods) {
    if (pod.job_id != job_id || pod.deleting || pod.ended()) {
      continue;
    }
    ++there;
    running += pod.phase == "Running" ? 1 : 0;
    if (trouble.empty() && !pod.trouble.empty()) {
      trouble = absl::StrCat("; ", name, ": ", pod.trouble);
    }
  }
  return absl::StrCat(running, " of ", there, " worker pods run", trouble);
}

std::string PodLauncher::PodPath(const std::string& name) const {
  return absl::StrCat(pods_path_, "/", name);
}

absl::Status PodLauncher::Make(const PodRequest& request) {
  const std::string name = PodName(request.job_id, request.generation, request.index);
  const auto made = client_.Create(
      pods_path_, MakePod(options_.pod_template, options_.settings, request, owner_));
  if (absl::IsAlreadyExists(made.status())) {
    OCELLUS_ASSIGN_OR_RETURN(const Json there, client_.Get(PodPath(name)));
    return KubeText(there, {"metadata", "labels", kJobLabel}) == request.job_id
               ? absl::OkStatus()
               : absl::AlreadyExistsError(
                     absl::StrCat("the pod ", name, " exists and is not of this job; delete it"));
  }
  if (made.ok()) {
    Log(LogSeverity::kInfo, "pod_made",
        {{"pod", name}, {"job", request.job_id}, {"ranks", request.ranks}});
  }
  return made.status();
}

absl::Status PodLauncher::Mark(const PodMark& mark) {
  const Json change = {{"apiVersion", "v1"},
                       {"kind", "Pod"},
                       {"metadata",
                        {{"name", mark.name},
                         {"uid", mark.uid},
                         {"annotations", {{kServesAnnotation, absl::StrCat(mark.serves)}}}}}};
  const absl::Status status = client_.Apply(PodPath(mark.name), change).status();
  // Gone, or another pod by now: the watch tells.
  return absl::IsNotFound(status) || absl::IsAborted(status) ? absl::OkStatus() : status;
}

void PodLauncher::Tell(std::map<std::string, std::string> refusals) {
  const std::lock_guard lock(mutex_);
  for (const auto& [job_id, text] : refusals) {
    const auto before = refusals_.find(job_id);
    if (before == refusals_.end() || before->second != text) {
      Log(LogSeverity::kError, "pod_refused", {{"job", job_id}, {"why", text}});
    }
  }
  refusals_ = std::move(refusals);
}

absl::Status PodLauncher::Remove(const std::vector<PodDeletion>& pods) {
  for (const PodDeletion& pod : pods) {
    const absl::Status status = client_.Delete(PodPath(pod.name), pod.uid);
    if (absl::IsAborted(status)) {
      continue;  // another pod has the name by now
    }
    OCELLUS_RETURN_IF_ERROR(status);
    Log(LogSeverity::kInfo, "pod_deleted", {{"pod", pod.name}, {"why", pod.why}});
  }
  return absl::OkStatus();
}

absl::Status PodLauncher::MakeAll(const std::vector<PodRequest>& pods) {
  if (!pods.empty() && owner_.is_null() && !options_.owner.empty()) {
    OCELLUS_ASSIGN_OR_RETURN(
        owner_, OwnerReference(&client_, options_.settings.name_space, options_.owner));
  }
  std::map<std::string, std::string> refusals;
  for (const PodRequest& request : pods) {
    const absl::Status status = Make(request);
    if (!status.ok() && !IsRefusal(status)) {
      return status;
    }
    if (!status.ok()) {
      refusals.emplace(request.job_id, status.message());
    }
  }
  const bool refused = !refusals.empty();
  Tell(std::move(refusals));
  if (refused) {
    stop_.Wait(0, kRefusalPause);
  }
  return absl::OkStatus();
}

absl::Status PodLauncher::Act() {
  std::optional<LaunchWishes> wishes;
  {
    const std::lock_guard lock(mutex_);
    wishes = wishes_;
  }
  const auto pods = watch_.Get();
  if (!wishes.has_value() || !pods.has_value() || (lease_ != nullptr && !lease_->held())) {
    return absl::OkStatus();
  }
  wishes->resting =
      half_gangs_.Resting(*wishes, *pods, options_.settings.ranks_per_pod, clock_->Monotonic());
  {
    const std::lock_guard lock(mutex_);
    resting_ = wishes->resting;
  }
  const PodPlan plan = PlanPods(*wishes, *pods, options_.settings.ranks_per_pod);
  OCELLUS_RETURN_IF_ERROR(Remove(plan.remove));
  for (const PodMark& mark : plan.mark) {
    OCELLUS_RETURN_IF_ERROR(Mark(mark));
  }
  return MakeAll(plan.make);
}

void PodLauncher::Run() {
  absl::Duration pause = options_.tick;
  std::string trouble;
  while (!stop_.closed()) {
    const int64_t seen = wake_.Seen();
    const absl::Status status = Act();
    const std::string now = status.ok() ? "" : std::string(status.message());
    if (now != trouble && !stop_.closed()) {
      Log(status.ok() ? LogSeverity::kInfo : LogSeverity::kError, "kubernetes_launcher",
          {{"trouble", now}});
      trouble = now;
    }
    if (status.ok()) {
      pause = options_.tick;
      wake_.Wait(seen, pause);
    } else {
      pause = std::min(pause * 2, options_.pause_last);
      stop_.Wait(0, pause);
    }
  }
}

}  // namespace ocellus::coordinator
