#include "coordinator/launch/pod_template.h"

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coordinator/launch/kube_client.h"
#include "coordinator/launch/pod_state.h"
#include "models/schema/source.h"

namespace ocellus::coordinator {
namespace {

using Json = nlohmann::json;

constexpr char kWorkerContainer[] = "worker";
constexpr int kTogetherWeight = 100;

// `object[key]`, made an empty object or list when it is anything else.
Json& Object(Json& object, const char* key) {
  Json& value = object[key];
  if (!value.is_object()) {
    value = Json::object();
  }
  return value;
}

Json& Array(Json& object, const char* key) {
  Json& value = object[key];
  if (!value.is_array()) {
    value = Json::array();
  }
  return value;
}

Json& WorkerContainer(Json& spec) {
  Json& containers = spec["containers"];
  for (Json& container : containers) {
    if (KubeText(container, {"name"}) == kWorkerContainer) {
      return container;
    }
  }
  return containers.front();
}

void SetEnv(Json& container, const std::string& name, Json variable) {
  Json& env = Array(container, "env");
  env.erase(std::remove_if(env.begin(), env.end(),
                           [&](const Json& old) { return KubeText(old, {"name"}) == name; }),
            env.end());
  variable["name"] = name;
  env.push_back(std::move(variable));
}

void SetResources(Json& container, const PodSettings& settings, const PodRequest& request) {
  Json& resources = Object(container, "resources");
  for (const char* kind : {"requests", "limits"}) {
    Json& amounts = Object(resources, kind);
    amounts.erase(settings.gpu_resource);
    for (Json& amount : amounts) {
      const std::string text = amount.is_string() ? amount.get<std::string>() : amount.dump();
      amount = TimesQuantity(text, request.ranks);
    }
    if (request.gpus) {
      amounts[settings.gpu_resource] = absl::StrCat(request.ranks);
    }
    if (amounts.empty()) {
      resources.erase(kind);
    }
  }
}

void SetAffinity(Json& spec, const PodSettings& settings, const PodRequest& request) {
  if (settings.topology_key.empty()) {
    return;
  }
  Json& affinity = Object(spec, "affinity");
  const Json together = {{"weight", kTogetherWeight},
                         {"podAffinityTerm",
                          {{"topologyKey", settings.topology_key},
                           {"labelSelector", {{"matchLabels", {{kJobLabel, request.job_id}}}}}}}};
  Array(Object(affinity, "podAffinity"), "preferredDuringSchedulingIgnoredDuringExecution")
      .push_back(together);
  if (request.topology.empty()) {
    return;
  }
  const Json domain = {{"key", settings.topology_key},
                       {"operator", "In"},
                       {"values", Json::array({request.topology})}};
  Json& terms = Array(
      Object(Object(affinity, "nodeAffinity"), "requiredDuringSchedulingIgnoredDuringExecution"),
      "nodeSelectorTerms");
  if (terms.empty()) {
    terms.push_back(Json::object());
  }
  // Terms are alternatives: each of them must have it.
  for (Json& term : terms) {
    if (!term.is_object()) {
      term = Json::object();
    }
    Array(term, "matchExpressions").push_back(domain);
  }
}

void SetMetadata(Json& pod, const PodSettings& settings, const PodRequest& request,
                 const Json& owner) {
  Json& metadata = Object(pod, "metadata");
  metadata["name"] = PodName(request.job_id, request.generation, request.index);
  metadata["namespace"] = settings.name_space;
  metadata.erase("generateName");
  Json& labels = Object(metadata, "labels");
  labels[kLauncherLabel] = settings.installation;
  labels[kJobLabel] = request.job_id;
  labels[kGenerationLabel] = absl::StrCat(request.generation);
  labels[kIndexLabel] = absl::StrCat(request.index);
  Object(metadata, "annotations")["ocellus.dev/job-name"] = request.job_name;
  if (!owner.is_null()) {
    metadata["ownerReferences"] = Json::array({owner});
  }
}

}  // namespace

std::string TimesQuantity(const std::string& quantity, int times) {
  const size_t digits = std::min(quantity.find_first_not_of("0123456789."), quantity.size());
  double number = 0;
  if (!absl::SimpleAtod(quantity.substr(0, digits), &number)) {
    return quantity;
  }
  // At most three places after the point, as quantities have.
  std::string product = std::to_string(number * times);
  product.resize(product.find('.') + 4);
  product.erase(product.find_last_not_of('0') + 1);
  if (product.back() == '.') {
    product.pop_back();
  }
  return product + quantity.substr(digits);
}

absl::StatusOr<Json> ParsePodTemplate(const std::string& text, const std::string& path) {
  schema::Source source;
  std::vector<schema::Problem> problems;
  if (!schema::Parse(text, path, &source, &problems)) {
    return absl::InvalidArgumentError(problems.empty() ? absl::StrCat(path, " is no YAML")
                                                       : problems.front().ToString());
  }
  Json pod = source.value;
  const bool has_containers =
      pod.is_object() && pod.contains("spec") && pod["spec"].is_object() &&
      pod["spec"].contains("containers") && pod["spec"]["containers"].is_array() &&
      !pod["spec"]["containers"].empty() && pod["spec"]["containers"].front().is_object();
  if (!has_containers) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": no pod template: spec.containers is missing or empty"));
  }
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  pod.erase("status");
  return pod;
}

Json MakePod(const Json& pod_template, const PodSettings& settings, const PodRequest& request,
             const Json& owner) {
  Json pod = pod_template;
  SetMetadata(pod, settings, request, owner);
  Json& spec = pod["spec"];
  if (!spec.contains("restartPolicy")) {
    spec["restartPolicy"] = "OnFailure";
  }
  Json& container = WorkerContainer(spec);
  const std::string name = pod["metadata"]["name"].get<std::string>();
  SetEnv(container, "OCELLUS_NODE", {{"value", name}});
  SetEnv(container, "OCELLUS_JOB", {{"value", request.job_id}});
  SetEnv(container, "OCELLUS_CPU_SLOTS",
         {{"value", absl::StrCat(request.cpu_slots ? request.ranks : 0)}});
  SetEnv(container, "OCELLUS_HOST",
         {{"valueFrom", {{"fieldRef", {{"fieldPath", "status.podIP"}}}}}});
  SetResources(container, settings, request);
  SetAffinity(spec, settings, request);
  return pod;
}

}  // namespace ocellus::coordinator
