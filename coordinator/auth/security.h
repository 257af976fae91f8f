// What stands between a listener and the world, put together from a few settings.
//
// Local mode: plaintext, and whoever reaches the port may do all. Only on loopback, or when the
// operator says --insecure-dev. Secure mode: TLS 1.2 or newer, a credential for every call.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/auth/authority.h"
#include "coordinator/auth/gate.h"
#include "coordinator/auth/limits.h"
#include "coordinator/base/clock.h"
#include "coordinator/base/metrics.h"
#include "coordinator/state/store.h"
#include "grpcpp/grpcpp.h"

namespace ocellus::coordinator {

struct SecuritySettings {
  bool secure = false;        // on loopback too
  bool insecure_dev = false;  // local mode on any address
  // The server's certificate and key, PEM, watched for changes. Empty: the coordinator makes its
  // own.
  std::string certificate, key;
  // More names and addresses that clients use, for the certificate that it makes.
  std::vector<std::string> names;
  // Holds the first admin's token; made when it is not there. Empty: <data-dir>/admin-token.
  std::string admin_token;
  absl::Duration node_lifetime = absl::Hours(24);
  CallLimits limits;
};

class Security {
 public:
  // `store`, `clock` and `metrics` outlive it. INVALID_ARGUMENT for settings that contradict each
  // other.
  static absl::StatusOr<std::unique_ptr<Security>> Start(const SecuritySettings& settings,
                                                         const std::string& listen,
                                                         const std::string& data_dir, Store* store,
                                                         const Clock* clock, Metrics* metrics);
  ~Security();

  Mode mode() const { return gate_->mode(); }
  Gate* gate() { return gate_.get(); }
  // Null in local mode.
  Authority* authority() { return authority_.get(); }
  std::shared_ptr<grpc::ServerCredentials> credentials() const { return credentials_; }
  // Where certificate and key of the server lie, both watched for changes; empty in local mode.
  const std::string& certificate_path() const { return certificate_path_; }
  const std::string& key_path() const { return key_path_; }

 private:
  Security() = default;
  absl::Status Secure(const SecuritySettings& settings, const std::string& listen,
                      const std::string& data_dir);
  absl::Status TakeFirstAdmin(const std::string& path);
  absl::Status KeepCertificates();
  void Keep();

  Store* store_ = nullptr;
  const Clock* clock_ = nullptr;
  Metrics* metrics_ = nullptr;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<Authority> authority_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  std::vector<std::string> hosts_;  // empty: the operator gives the certificate
  std::string certificate_path_, key_path_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::thread keeper_;
};

// "127.0.0.1" of "127.0.0.1:7410", "::1" of "[::1]:7410".
std::string HostOf(const std::string& address);

// Whether only this machine can reach `address` ("127.0.0.1:7410").
bool IsLoopbackAddress(const std::string& address);

}  // namespace ocellus::coordinator
