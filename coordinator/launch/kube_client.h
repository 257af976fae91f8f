// The verbs of the Kubernetes API that the coordinator needs, and no others (docs/KUBERNETES.md
// lists them with their permissions). Errors are absl::Status with the API server's own message:
//
//   400, 422 INVALID_ARGUMENT   401 UNAUTHENTICATED   403 PERMISSION_DENIED   404 NOT_FOUND
//   409 ALREADY_EXISTS when the object is there, else ABORTED (another writer was first)
//   410 OUT_OF_RANGE: list again   429 RESOURCE_EXHAUSTED   5xx and no answer UNAVAILABLE
//
// 401 is tried once more with credentials read afresh; 429 and 503 with Retry-After are tried again
// after that time, a few times. resourceVersion is an opaque text here as everywhere.
// One call at a time; Cancel from any thread.
#pragma once

#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/base/beacon.h"
#include "coordinator/launch/kube_http.h"

namespace ocellus::coordinator {

inline constexpr char kFieldManager[] = "ocellus-coordinator";

struct KubeList {
  std::vector<nlohmann::json> items;
  std::string resource_version;
};

struct WatchEvent {
  enum class Kind { kAdded, kModified, kDeleted, kBookmark };
  Kind kind = Kind::kAdded;
  nlohmann::json object;
};

struct WatchEnd {
  absl::Status status;
  bool by_event = false;  // an ERROR event of the stream said so, not the HTTP status
};

// UNAVAILABLE for what is no JSON object.
absl::StatusOr<nlohmann::json> ParseKubeObject(absl::string_view text);

// One line of a watch. OUT_OF_RANGE for an ERROR event with 410 in it, another error for other
// ERROR events and for what is no event.
absl::StatusOr<WatchEvent> ParseWatchEvent(absl::string_view line);

// An answer that is no success, as above.
absl::Status KubeError(const KubeAnswer& answer);

// The text at object.a.b; "" when there is none.
std::string KubeText(const nlohmann::json& object, std::initializer_list<const char*> keys);
// The whole number there; `otherwise` when there is none.
int64_t KubeNumber(const nlohmann::json& object, std::initializer_list<const char*> keys,
                   int64_t otherwise);

class KubeClient {
 public:
  // `credentials` outlives it. `timeout`: of every call but watches.
  explicit KubeClient(KubeCredentials* credentials, absl::Duration timeout = absl::Seconds(30))
      : http_(credentials), timeout_(timeout) {}

  absl::StatusOr<nlohmann::json> Get(const std::string& path);
  // Every page. OUT_OF_RANGE when it expired between two pages: list again.
  absl::StatusOr<KubeList> List(const std::string& path, const std::string& label_selector);
  absl::StatusOr<nlohmann::json> Create(const std::string& path, const nlohmann::json& object);
  // Only this very object: ABORTED when another one has the name now. What is gone is no error.
  absl::Status Delete(const std::string& path, const std::string& uid);
  // Server-side apply; our fields win.
  absl::StatusOr<nlohmann::json> Apply(const std::string& path, const nlohmann::json& object);
  // ABORTED unless the object still has the resourceVersion that `object` carries.
  absl::StatusOr<nlohmann::json> Replace(const std::string& path, const nlohmann::json& object);

  // From this version on, for about `timeout`; each event goes to `take`. OK when the server ended
  // it in order; OUT_OF_RANGE for both kinds of 410.
  WatchEnd Watch(const std::string& path, const std::string& label_selector,
                 const std::string& resource_version, absl::Duration timeout,
                 const std::function<void(const WatchEvent&)>& take);

  const KubeConfig& config() const { return http_.credentials()->config(); }
  // Ends the call under way and all later ones with CANCELLED.
  void Cancel();

 private:
  absl::StatusOr<KubeAnswer> Send(const KubeRequest& request);
  absl::StatusOr<nlohmann::json> Call(KubeRequest request);
  absl::StatusOr<nlohmann::json> Page(const std::string& path, const std::string& label_selector,
                                      const std::string& next);

  KubeHttp http_;
  const absl::Duration timeout_;
  Beacon cancelled_;
};

}  // namespace ocellus::coordinator
