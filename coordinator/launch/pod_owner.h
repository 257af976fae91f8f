// The object that worker pods belong to, so that they are collected with it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "coordinator/launch/kube_client.h"
#include "nlohmann/json.hpp"

namespace ocellus::coordinator {

// The entry of metadata.ownerReferences of `owner`, "apps/v1/StatefulSet/NAME" or
// "v1/ConfigMap/NAME", which is asked for at the API server: INVALID_ARGUMENT when it is written
// otherwise, else what the server says.
absl::StatusOr<nlohmann::json> OwnerReference(KubeClient* client, const std::string& name_space,
                                              const std::string& owner);

}  // namespace ocellus::coordinator
