#include "coordinator/launch/pod_state.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coordinator/launch/kube_client.h"

namespace ocellus::coordinator {
namespace {

using Json = nlohmann::json;

const Json& List(const Json& object, const char* key) {
  static const Json kNone = Json::array();
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_array() ? *found : kNone;
}

std::string TroubleOf(const Json& status) {
  for (const Json& container : List(status, "containerStatuses")) {
    const std::string reason = KubeText(container, {"state", "waiting", "reason"});
    if (!reason.empty() && reason != "ContainerCreating" && reason != "PodInitializing") {
      return absl::StrCat(reason, " ", KubeText(container, {"state", "waiting", "message"}));
    }
  }
  for (const Json& condition : List(status, "conditions")) {
    if (KubeText(condition, {"type"}) == "PodScheduled" &&
        KubeText(condition, {"status"}) == "False") {
      return absl::StrCat(KubeText(condition, {"reason"}), ": ", KubeText(condition, {"message"}));
    }
  }
  return KubeText(status, {"message"});
}

}  // namespace

std::string PodName(const std::string& job_id, int64_t generation, int index) {
  return absl::StrCat(job_id, "-g", generation, "-", index);
}

absl::StatusOr<PodState> ReadPod(const Json& object) {
  PodState pod;
  pod.name = KubeText(object, {"metadata", "name"});
  pod.uid = KubeText(object, {"metadata", "uid"});
  pod.job_id = KubeText(object, {"metadata", "labels", kJobLabel});
  const std::string generation = KubeText(object, {"metadata", "labels", kGenerationLabel});
  const std::string index = KubeText(object, {"metadata", "labels", kIndexLabel});
  if (pod.name.empty() || pod.uid.empty() || pod.job_id.empty() ||
      !absl::SimpleAtoi(generation, &pod.generation) || !absl::SimpleAtoi(index, &pod.index)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", pod.name,
                     "' is no worker pod: a name, uid or ocellus.dev label is "
                     "missing"));
  }
  const std::string serves = KubeText(object, {"metadata", "annotations", kServesAnnotation});
  if (!absl::SimpleAtoi(serves, &pod.serves)) {
    pod.serves = 0;
  }
  pod.phase = KubeText(object, {"status", "phase"});
  pod.bound = !KubeText(object, {"spec", "nodeName"}).empty();
  pod.deleting = !KubeText(object, {"metadata", "deletionTimestamp"}).empty();
  pod.trouble = object.contains("status") ? TroubleOf(object["status"]) : "";
  return pod;
}

}  // namespace ocellus::coordinator
