// The secrets of a KubeConfig as they are now: files are read again every minute, and at once when
// the server refused what they held. Tokens of service accounts change about once an hour, the
// authorities when a cluster rotates them. Thread-safe.
#pragma once

#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/base/clock.h"
#include "coordinator/launch/kube_config.h"

namespace ocellus::coordinator {

inline constexpr absl::Duration kCredentialsAge = absl::Seconds(60);

struct KubeSecrets {
  std::string authorities;  // PEM; empty: those of the system
  std::string token;
  std::string certificate;
  std::string key;
};

class KubeCredentials {
 public:
  KubeCredentials(KubeConfig config, const Clock* clock);

  // A file that cannot be read now keeps what it held before; it fails only without that.
  absl::StatusOr<KubeSecrets> Current();
  // The server said 401: the next Current reads the files.
  void Refused();

  const KubeConfig& config() const { return config_; }

 private:
  const KubeConfig config_;
  const Clock* clock_;
  std::mutex mutex_;
  KubeSecrets secrets_;
  absl::Duration read_at_ = -absl::InfiniteDuration();
};

}  // namespace ocellus::coordinator
