#include "coordinator/launch/kubernetes.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/base/random_id.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/launch/text_file.h"

namespace ocellus::coordinator {
namespace {

constexpr int kRanksPerPodMax = 64;
constexpr int kHolderLetters = 8;

std::string Holder() {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  return absl::StrCat(host, "_", RandomName(kHolderLetters));
}

absl::StatusOr<PodLauncherOptions> LauncherOptions(const KubernetesSettings& settings,
                                                   const KubeConfig& config) {
  if (settings.pod_template.empty()) {
    return absl::InvalidArgumentError(
        "--kubernetes needs --kubernetes-pod-template FILE: what a worker pod looks like");
  }
  PodLauncherOptions options;
  options.settings = settings.pods;
  options.settings.name_space = config.name_space;
  OCELLUS_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(settings.pod_template));
  OCELLUS_ASSIGN_OR_RETURN(options.pod_template, ParsePodTemplate(text, settings.pod_template));
  options.owner = settings.owner;
  options.lease = settings.lease;
  options.holder = Holder();
  options.half_gang_patience = absl::Seconds(settings.half_gang_s);
  options.seed = std::random_device()();
  return options;
}

}  // namespace

void AddKubernetesFlags(CLI::App* app, KubernetesSettings* settings) {
  app->add_option("--kubernetes", settings->where,
                  "Make worker pods for jobs that fit nowhere: in-cluster, or a kubeconfig");
  app->add_option("--kubernetes-namespace", settings->name_space,
                  "Where the pods are (default: that of the service account or context)");
  app->add_option("--kubernetes-pod-template", settings->pod_template,
                  "File with the pod of a worker; resources are those of one rank");
  app->add_option("--kubernetes-ranks-per-pod", settings->pods.ranks_per_pod,
                  "Ranks, and so GPUs, of one worker pod at most")
      ->check(CLI::Range(1, kRanksPerPodMax))
      ->capture_default_str();
  app->add_option("--kubernetes-gpu-resource", settings->pods.gpu_resource,
                  "Resource that is one GPU")
      ->capture_default_str();
  app->add_option("--kubernetes-topology-key", settings->pods.topology_key,
                  "Label of nodes: pods of a gang are put under one value of it, or the one that "
                  "the job's label `topology` names; empty: nowhere in particular")
      ->capture_default_str();
  app->add_option("--kubernetes-installation", settings->pods.installation,
                  "Name that tells our pods from those of another coordinator in the namespace")
      ->capture_default_str();
  app->add_option("--kubernetes-owner", settings->owner,
                  "Object that pods belong to and go with, as apps/v1/StatefulSet/NAME");
  app->add_option("--kubernetes-lease", settings->lease,
                  "Name of a Lease: only the coordinator that holds it makes and deletes pods");
  app->add_option("--kubernetes-half-gang-s", settings->half_gang_s,
                  "How long a gang may hold a part of its pods while one before it lacks some")
      ->check(CLI::Range(int64_t{1}, int64_t{86'400}))
      ->capture_default_str();
}

absl::StatusOr<std::unique_ptr<Kubernetes>> Kubernetes::Open(const KubernetesSettings& settings,
                                                             const Clock* clock, Metrics* metrics,
                                                             std::function<void()> changed) {
  std::unique_ptr<Kubernetes> made(new Kubernetes());
  if (settings.where.empty()) {
    return std::unique_ptr<Kubernetes>();
  }
  OCELLUS_ASSIGN_OR_RETURN(KubeConfig config, FindKubeConfig(settings.where));
  if (!settings.name_space.empty()) {
    config.name_space = settings.name_space;
  }
  OCELLUS_ASSIGN_OR_RETURN(PodLauncherOptions options, LauncherOptions(settings, config));
  Log(LogSeverity::kInfo, "kubernetes",
      {{"server", config.server},
       {"namespace", config.name_space},
       {"template", settings.pod_template},
       {"ranks_per_pod", options.settings.ranks_per_pod}});
  made->credentials_ = std::make_unique<KubeCredentials>(std::move(config), clock);
  made->launcher_ = std::make_unique<PodLauncher>(made->credentials_.get(), std::move(options),
                                                  clock, metrics, std::move(changed));
  return made;
}

}  // namespace ocellus::coordinator
