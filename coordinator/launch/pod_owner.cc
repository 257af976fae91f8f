#include "coordinator/launch/pod_owner.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {

using Json = nlohmann::json;

absl::StatusOr<Json> OwnerReference(KubeClient* client, const std::string& name_space,
                                    const std::string& owner) {
  const std::vector<std::string> parts = absl::StrSplit(owner, '/');
  if (parts.size() < 3 || parts.size() > 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("owner '", owner, "': write apps/v1/StatefulSet/NAME or v1/ConfigMap/NAME"));
  }
  const std::string name = parts.back();
  const std::string kind = parts[parts.size() - 2];
  const bool core = parts.size() == 3;
  const std::string version = core ? parts[0] : absl::StrCat(parts[0], "/", parts[1]);
  OCELLUS_ASSIGN_OR_RETURN(
      const Json found,
      client->Get(absl::StrCat(core ? "/api/" : "/apis/", version, "/namespaces/", name_space, "/",
                               absl::AsciiStrToLower(kind), "s/", name)));
  return Json{{"apiVersion", version},
              {"kind", kind},
              {"name", name},
              {"uid", KubeText(found, {"metadata", "uid"})}};
}

}  // namespace ocellus::coordinator
