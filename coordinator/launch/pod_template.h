// From the chart's pod template and a wish to the pod that is created. Pure.
//
// The template is a Pod, or its metadata and spec alone, as YAML or JSON. It says what all workers
// share: image, command, tolerations, priorityClassName, volumes, security. The container "worker"
// (or the first) runs ocellus-worker; its `resources` are those of ONE rank and are multiplied by
// the ranks of the pod. Added here:
//
//   metadata   name, namespace, labels and annotations of the gang, owner reference
//   env        OCELLUS_NODE, OCELLUS_JOB, OCELLUS_CPU_SLOTS, OCELLUS_HOST (the pod's address)
//   resources  the GPU resource, one a rank, in requests and limits; unless the job is for CPUs
//   affinity   the topology domain that the job names (required), and the gang's pods together in
//              one domain (preferred), by the topology label of nodes
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace ocellus::coordinator {

struct PodSettings {
  std::string installation = "ocellus";  // value of the launcher label
  std::string name_space;
  int ranks_per_pod = 8;
  std::string gpu_resource = "nvidia.com/gpu";
  // Label of nodes whose value is their topology domain; "": none.
  std::string topology_key = "topology.kubernetes.io/zone";
};

struct PodRequest {
  std::string job_id;
  std::string job_name;
  int64_t generation = 0;
  int index = 0;
  int ranks = 1;  // of this pod
  bool gpus = false;
  bool cpu_slots = false;  // may run ranks on CPU
  std::string topology;    // "" is any
};

// The template, checked: it has a container. INVALID_ARGUMENT names the file and what is missing.
absl::StatusOr<nlohmann::json> ParsePodTemplate(const std::string& text, const std::string& path);

// `owner` is an entry of ownerReferences; null: none.
nlohmann::json MakePod(const nlohmann::json& pod_template, const PodSettings& settings,
                       const PodRequest& request, const nlohmann::json& owner);

// "1500m" times 4 is "6000m", "64Gi" times 2 "128Gi"; what is no such quantity stays as it is.
std::string TimesQuantity(const std::string& quantity, int times);

}  // namespace ocellus::coordinator
