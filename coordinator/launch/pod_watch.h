// All worker pods of this installation, kept up to date by list and watch in a thread of its own.
//
// A list gives the version from which a watch goes on; a watch that ends in order, or is cut off,
// goes on from the last version seen, bookmarks counted. 410, as HTTP status or as an event, means
// that this version is gone: until a new list is there nothing is known for sure, and nothing is
// decided. Pauses after trouble grow to half a minute, with jitter. Every new start is counted in
// ocellus_kubernetes_watch_restarts_total by reason. Thread-safe.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "coordinator/base/beacon.h"
#include "coordinator/base/metrics.h"
#include "coordinator/launch/kube_client.h"
#include "coordinator/launch/pod_plan.h"

namespace ocellus::coordinator {

struct PodWatchOptions {
  std::string path;  // of the pods: "/api/v1/namespaces/x/pods"
  std::string label_selector;
  absl::Duration watch_min = absl::Minutes(5);  // each watch asks for a random time between
  absl::Duration watch_max = absl::Minutes(10);
  absl::Duration pause_first = absl::Milliseconds(200);
  absl::Duration pause_last = absl::Seconds(30);
  uint64_t seed = 0;
};

class PodWatch {
 public:
  // `credentials` and `metrics` outlive it; `changed` is called in its thread after each change.
  PodWatch(KubeCredentials* credentials, PodWatchOptions options, Metrics* metrics,
           std::function<void()> changed);
  ~PodWatch();

  void Start();
  void Stop();

  // Nothing until the first list, and after a 410 until the next.
  std::optional<Pods> Get() const;
  // What went wrong last; "" while all is well.
  std::string trouble() const;

 private:
  void Run();
  bool ListAll(std::string* version);
  // False: list again.
  bool WatchFrom(std::string* version);
  void Take(const WatchEvent& event, std::string* version);
  void Restart(const char* reason, const absl::Status& status);
  void Pause();
  void SetTrouble(const std::string& text);
  absl::Duration Between(absl::Duration least, absl::Duration most);

  KubeClient client_;
  const PodWatchOptions options_;
  Metrics* metrics_;
  const std::function<void()> changed_;
  std::mt19937_64 random_;
  absl::Duration pause_;
  Beacon stop_;
  mutable std::mutex mutex_;
  std::optional<Pods> pods_;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace ocellus::coordinator
