// Makes, marks and deletes worker pods until they are what the reconcile loop wants. A thread of
// its own looks whenever a wish or a pod changes, and at each tick.
//
// It acts only when it knows: after the first wishes, with a full list of the pods, and while it
// holds the Lease (when there is one). A pod whose name is taken by a pod of the same job counts as
// made. Nothing is remembered that the API server and the store do not say again, so that a
// coordinator that starts anew finds its pods and goes on.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/base/beacon.h"
#include "coordinator/launch/half_gangs.h"
#include "coordinator/launch/kube_client.h"
#include "coordinator/launch/launcher.h"
#include "coordinator/launch/lease.h"
#include "coordinator/launch/pod_plan.h"
#include "coordinator/launch/pod_watch.h"

namespace ocellus::coordinator {

struct PodLauncherOptions {
  PodSettings settings;
  nlohmann::json pod_template;
  // "apps/v1/StatefulSet/NAME": pods belong to it, and are collected with it; "": to nobody.
  std::string owner;
  std::string lease;  // name of the Lease; "": none
  std::string holder;
  // How long a gang may hold a part of its pods while one before it lacks them.
  absl::Duration half_gang_patience = kHalfGangPatience;
  absl::Duration tick = absl::Seconds(1);
  absl::Duration pause_last = absl::Seconds(30);  // between tries while the API server fails
  uint64_t seed = 0;
};

class PodLauncher final : public Launcher {
 public:
  // All outlive it. `changed` is called, from other threads, when the loop should look again.
  PodLauncher(KubeCredentials* credentials, PodLauncherOptions options, const Clock* clock,
              Metrics* metrics, std::function<void()> changed);
  ~PodLauncher() override;

  void Start();
  // Pods stay: the next coordinator adopts them.
  void Stop();

  void Want(LaunchWishes wishes) override;
  std::string Explain(const std::string& job_id) const override;
  std::set<std::string> Closing() const override;
  std::optional<std::set<std::string>> Present() const override;

 private:
  void Run();
  absl::Status Act();
  absl::Status Remove(const std::vector<PodDeletion>& pods);
  absl::Status MakeAll(const std::vector<PodRequest>& pods);
  absl::Status Make(const PodRequest& request);
  absl::Status Mark(const PodMark& mark);
  std::string PodPath(const std::string& name) const;
  // What Explain says of these jobs from now on, and of no other.
  void Tell(std::map<std::string, std::string> refusals);

  const PodLauncherOptions options_;
  const std::string pods_path_;
  const std::function<void()> changed_;
  const Clock* clock_;
  KubeClient client_;
  Beacon wake_;  // wishes or pods are other ones
  Beacon stop_;
  PodWatch watch_;
  std::unique_ptr<Lease> lease_;
  nlohmann::json owner_;  // entry of ownerReferences, once found
  HalfGangs half_gangs_;
  mutable std::mutex mutex_;
  std::optional<LaunchWishes> wishes_;
  std::map<std::string, std::string> refusals_;  // by job: why its pod was not made
  std::map<std::string, std::string> resting_;   // by job: why it has none for now
  std::thread thread_;
};

}  // namespace ocellus::coordinator
