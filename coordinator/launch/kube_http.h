// HTTP to one API server over libcurl: TLS by its own authorities, bearer token or client
// certificate. Bodies are kept whole, or go line by line to the caller (watches).
//
// One call at a time; each thread has a connection of its own, kept open between calls. Cancel may
// come from any thread: it ends the call under way at once, and all later ones.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "coordinator/launch/kube_credentials.h"

namespace ocellus::coordinator {

inline constexpr size_t kKubeBodyBytesMax = 64 << 20;
inline constexpr size_t kKubeLineBytesMax = 16 << 20;

struct KubeRequest {
  std::string method = "GET";
  std::string path;  // percent-encoded, with its query: "/api/v1/namespaces/x/pods?limit=500"
  std::string body;
  std::string content_type = "application/json";
  absl::Duration timeout = absl::Seconds(30);
  // Set: each line of a 200 answer goes here instead of into the body; false ends the call.
  std::function<bool(absl::string_view line)> line;
};

struct KubeAnswer {
  int status = 0;
  std::string body;
  absl::Duration retry_after;  // of the header; zero without
};

class KubeHttp {
 public:
  // `credentials` outlives it.
  explicit KubeHttp(KubeCredentials* credentials);
  ~KubeHttp();
  KubeHttp(const KubeHttp&) = delete;

  // Any status is an answer. UNAVAILABLE: no answer, or half of one; CANCELLED: by Cancel, or by
  // `line`; RESOURCE_EXHAUSTED: longer than the limits.
  absl::StatusOr<KubeAnswer> Send(const KubeRequest& request);

  void Cancel();
  bool cancelled() const { return cancelled_; }
  KubeCredentials* credentials() const { return credentials_; }

 private:
  struct Curl;
  absl::Status Run();

  KubeCredentials* credentials_;
  const std::unique_ptr<Curl> curl_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace ocellus::coordinator
