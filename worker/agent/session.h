// The agent's place at the coordinator: registers, keeps the stream with its heartbeats open,
// comes back when it breaks. What the ranks do is untouched by that.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "ocellus/v1/worker.pb.h"
#include "worker/agent/coordinator_link.h"
#include "worker/agent/limits.h"
#include "worker/agent/retry.h"

namespace ocellus::agent {

// Thread-safe.
class Session {
 public:
  // Called on the session's threads.
  struct Callbacks {
    std::function<std::vector<v1::GangStatus>()> gangs;
    std::function<void(const v1::SessionResponse&)> order;
    // A gang that we announced is not current.
    std::function<void(const v1::GangRef&)> stale;
    // We are not wanted any more; called once, and no try follows.
    std::function<void(const absl::Status&)> refused;
  };

  // `identity`: what Register sends, but for the gangs. `link` must outlive this.
  Session(v1::RegisterRequest identity, CoordinatorLink* link, const Limits& limits,
          Callbacks callbacks);
  // REQUIRES: link->Shutdown() was called, so that nothing blocks.
  ~Session();

 private:
  void Run();
  bool Register(v1::RegisterResponse* response);
  // Whether the refusal is final; else waits.
  bool GiveUp(const absl::Status& status);
  absl::Status Converse(const v1::RegisterResponse& registration);
  bool Beat(CoordinatorLink::Stream* stream);
  void BeatUntilEnd(CoordinatorLink::Stream* stream, Millis interval);
  void SetOpen(bool open);
  // How long to wait after `status`.
  Millis Pause(const absl::Status& status);
  // False when this is to end.
  bool Sleep(Millis duration);

  const v1::RegisterRequest identity_;
  CoordinatorLink* const link_;
  const Limits limits_;
  const Callbacks callbacks_;
  Retry retry_;      // after a refusal
  Retry reconnect_;  // while nobody answers
  const SteadyTime started_ = SteadyClock::now();
  bool registered_once_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  bool open_ = false;
  std::thread thread_;
};

}  // namespace ocellus::agent
