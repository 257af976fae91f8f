// What the API server's JSON says; the parsers of kube_client.h.
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/launch/kube_client.h"

namespace ocellus::coordinator {
namespace {

using Json = nlohmann::json;

const Json* Find(const Json& object, std::initializer_list<const char*> keys) {
  const Json* at = &object;
  for (const char* key : keys) {
    if (!at->is_object() || !at->contains(key)) {
      return nullptr;
    }
    at = &(*at)[key];
  }
  return at;
}

absl::Status ErrorOf(int status, const Json& body) {
  const std::string reason = KubeText(body, {"reason"});
  const std::string message =
      absl::StrCat("Kubernetes API: ", status, " ", reason, ": ", KubeText(body, {"message"}));
  switch (status) {
    case 400:
    case 422:
      return absl::InvalidArgumentError(message);
    case 401:
      return absl::UnauthenticatedError(message);
    case 403:
      return absl::PermissionDeniedError(message);
    case 404:
      return absl::NotFoundError(message);
    case 409:
      return reason == "AlreadyExists" ? absl::AlreadyExistsError(message)
                                       : absl::AbortedError(message);
    case 410:
      return absl::OutOfRangeError(message);
    case 429:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

}  // namespace

absl::StatusOr<Json> ParseKubeObject(absl::string_view text) {
  Json object = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    return absl::UnavailableError("the API server's answer is no JSON object");
  }
  return object;
}

std::string KubeText(const Json& object, std::initializer_list<const char*> keys) {
  const Json* found = Find(object, keys);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

int64_t KubeNumber(const Json& object, std::initializer_list<const char*> keys, int64_t otherwise) {
  const Json* found = Find(object, keys);
  return found != nullptr && found->is_number_integer() ? found->get<int64_t>() : otherwise;
}

absl::Status KubeError(const KubeAnswer& answer) {
  return ErrorOf(answer.status, Json::parse(answer.body, nullptr, /*allow_exceptions=*/false));
}

absl::StatusOr<WatchEvent> ParseWatchEvent(absl::string_view line) {
  OCELLUS_ASSIGN_OR_RETURN(Json event, ParseKubeObject(line));
  const std::string type = KubeText(event, {"type"});
  WatchEvent parsed;
  parsed.object = event.contains("object") ? std::move(event["object"]) : Json();
  if (type == "ERROR") {
    return ErrorOf(static_cast<int>(KubeNumber(parsed.object, {"code"}, 0)), parsed.object);
  }
  if (!parsed.object.is_object()) {
    return absl::UnavailableError("a watch event has no object");
  }
  using Kind = WatchEvent::Kind;
  static const std::map<std::string, Kind> kKinds = {{"ADDED", Kind::kAdded},
                                                     {"MODIFIED", Kind::kModified},
                                                     {"DELETED", Kind::kDeleted},
                                                     {"BOOKMARK", Kind::kBookmark}};
  const auto kind = kKinds.find(type);
  if (kind == kKinds.end()) {
    return absl::UnavailableError(absl::StrCat("a watch event of unknown type '", type, "'"));
  }
  parsed.kind = kind->second;
  return parsed;
}

}  // namespace ocellus::coordinator
