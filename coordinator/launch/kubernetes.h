// The coordinator's side of a Kubernetes cluster put together: settings, credentials, launcher.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/base/clock.h"
#include "coordinator/base/metrics.h"
#include "coordinator/launch/kube_credentials.h"
#include "coordinator/launch/pod_launcher.h"

namespace CLI {
class App;
}

namespace ocellus::coordinator {

struct KubernetesSettings {
  std::string where;  // "in-cluster", a kubeconfig, or "" for no Kubernetes
  std::string name_space;
  std::string pod_template;  // a file
  std::string owner;
  std::string lease;
  int64_t half_gang_s = absl::ToInt64Seconds(kHalfGangPatience);
  PodSettings pods;
};

// --kubernetes and all that belongs to it.
void AddKubernetesFlags(CLI::App* app, KubernetesSettings* settings);

class Kubernetes {
 public:
  // Reads credentials and template; does not call the API server yet. Null without `where`.
  // `changed` is called when the reconcile loop should look again. All arguments outlive it.
  static absl::StatusOr<std::unique_ptr<Kubernetes>> Open(const KubernetesSettings& settings,
                                                          const Clock* clock, Metrics* metrics,
                                                          std::function<void()> changed);

  PodLauncher* launcher() { return launcher_.get(); }

 private:
  Kubernetes() = default;

  std::unique_ptr<KubeCredentials> credentials_;
  std::unique_ptr<PodLauncher> launcher_;
};

}  // namespace ocellus::coordinator
