// The one thread that owns every gang of this node: it starts the processes, reads their pipes,
// keeps the deadlines and carries out orders. It never waits for the network.
#pragma once

#include <poll.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ocellus/v1/worker.pb.h"
#include "worker/agent/gang.h"
#include "worker/agent/limits.h"

namespace ocellus::agent {

// Thread-safe. What it is asked to do, it does soon on its own thread.
class Supervisor {
 public:
  // `host`: without post, delivered and stale, which are this class's. Starts the thread.
  explicit Supervisor(Gang::Host host);
  // Halt must have been called, and nobody may call any more.
  ~Supervisor();

  void Take(const v1::SessionResponse& order);
  // The coordinator no longer knows the gang: SIGKILL, and not a word about it.
  void KillStale(const v1::GangRef& gang);
  // Every gang; and none is started any more.
  void StopAll(const StopWish& wish);
  // The gangs, as a heartbeat tells them.
  std::vector<v1::GangStatus> Gangs() const;

  // Waits until no rank runs, or until the coordinator also knows every end; false after `timeout`.
  bool WaitEnded(Millis timeout);
  bool WaitDelivered(Millis timeout);

  // SIGKILLs every rank and ends the thread; later requests are ignored. The link must be shut down
  // before.
  void Halt();

 private:
  struct Entry {
    std::unique_ptr<Gang> gang;
    // Waits until older generations of its job are dead.
    bool started = false;
  };

  void Post(std::function<void()> task);
  void Run();
  void WaitForWork();
  void RunPosted();
  void ServeGangs();
  void Publish();
  void StopOrphans();

  void Start(const v1::StartGang& order);
  void StartReady();
  // The entry of exactly this gang, started.
  Entry* Find(const v1::GangRef& gang);
  void Remove(const v1::GangRef& gang);

  Gang::Host host_;
  int wake_fd_ = -1;

  // The supervisor's thread only.
  std::vector<Entry> entries_;
  std::map<std::string, int64_t> newest_;  // generation seen, by job
  bool orphaned_ = false;
  bool closed_ = false;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> posted_;
  std::vector<v1::GangStatus> board_;
  bool halting_ = false;
  std::thread thread_;
};

}  // namespace ocellus::agent
