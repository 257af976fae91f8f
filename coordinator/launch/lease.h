// A Lease of coordination.k8s.io as a hint who should make and delete pods when two coordinators of
// one installation are up (a roll-out on a volume that moves, say). Only a hint: what protects a
// job's bytes is its generation in the store. Whoever does not hold the Lease goes on serving, and
// leaves the pods alone.
//
// Held for 15 s, renewed every 2 s; without a renewal for 10 s we no longer count on it. Another
// holder's Lease is over when it has not changed for its own duration on our monotonic clock: no
// two machines' clocks are compared. Writes carry the resourceVersion, so that one of two wins.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "coordinator/base/beacon.h"
#include "coordinator/base/clock.h"
#include "coordinator/launch/kube_client.h"

namespace ocellus::coordinator {

struct LeaseOptions {
  std::string name = "ocellus-coordinator";
  std::string holder;  // one of a kind: the pod's name and a random part
  absl::Duration duration = absl::Seconds(15);
  absl::Duration renew_deadline = absl::Seconds(10);
  absl::Duration retry = absl::Seconds(2);
};

class Lease {
 public:
  // `credentials` and `clock` outlive it; `changed` is called when held() has changed.
  Lease(KubeCredentials* credentials, LeaseOptions options, const Clock* clock,
        std::function<void()> changed);
  ~Lease();

  void Start();
  // Gives the Lease back.
  void Stop();

  bool held() const;
  // Who holds it, as last seen; "" when nobody does.
  std::string holder() const;

  // One try to take or keep it. For the thread, and tests.
  absl::Status Try();

 private:
  nlohmann::json Make(const nlohmann::json& old, const std::string& holder) const;
  bool Over(const nlohmann::json& lease);
  void Kept(const nlohmann::json& lease);
  void Release();
  void Run();

  KubeClient client_;
  const LeaseOptions options_;
  const Clock* clock_;
  const std::function<void()> changed_;
  Beacon stop_;
  mutable std::mutex mutex_;
  nlohmann::json last_;  // the Lease as last seen; null: none
  std::string seen_version_;
  absl::Duration seen_at_ = -absl::InfiniteDuration();  // when that version was first seen
  absl::Duration renewed_at_ = -absl::InfiniteDuration();
  std::thread thread_;
};

}  // namespace ocellus::coordinator
