// The ranks of one gang on this node, from StartGang until the coordinator knows every end.
#pragma once

#include <poll.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ocellus/v1/worker.pb.h"
#include "worker/agent/courier.h"
#include "worker/agent/event_relay.h"
#include "worker/agent/limits.h"
#include "worker/agent/memory_copies.h"
#include "worker/agent/rank.h"
#include "worker/agent/rank_ledger.h"
#include "worker/agent/rank_process.h"
#include "worker/agent/train_metrics.h"

namespace ocellus::agent {

// A wish to end a gang in order.
struct StopWish {
  std::string cause;  // for the ranks: "CANCEL"
  Millis grace{0};
  Millis term_to_kill{0};
  bool checkpoint = false;
  // They hang: the ranks first say where they stand.
  bool stacks = false;
  // The agent's own wish: a rank that had to be killed for it is charged to nobody.
  bool ours = false;
};

// Used by the supervisor's thread. The one stop protocol: `stop` to every rank, its ack within 5 s,
// the grace, SIGTERM, SIGKILL. When a rank fails, the others get SIGTERM and soon SIGKILL.
class Gang {
 public:
  // What gangs of an agent share; must outlive them.
  struct Host {
    std::string node;
    std::string spool_folder;
    std::string trainer;
    int threads = 0;  // of a rank; 0: one on CPU, a share of the cores with a GPU
    Limits limits;
    RankLedger* ledger = nullptr;
    TrainMetrics* metrics = nullptr;
    MemoryCopies* memory = nullptr;
    CoordinatorLink* link = nullptr;
    // Runs a function on the supervisor's thread, soon.
    std::function<void(std::function<void()>)> post;
    // Called on the supervisor's thread.
    std::function<void(const v1::GangRef&)> delivered;
    std::function<void(const v1::GangRef&)> stale;
    std::function<void(const absl::Status&)> session_stale;
  };

  // `master_port`: 0 unless the order has one or one was chosen.
  Gang(v1::StartGang order, int master_port, Host* host);
  ~Gang();
  Gang(const Gang&) = delete;
  Gang& operator=(const Gang&) = delete;

  const v1::GangRef& ref() const { return order_.gang(); }
  int master_port() const { return master_port_; }
  v1::GangStatus Status() const;
  // No process is left.
  bool ended() const;

  void Start();
  void Stop(const StopWish& wish, SteadyTime now);
  // SIGKILL. `silent`: and nothing more is said to the coordinator.
  void Kill(bool silent);
  bool silent() const { return silent_; }

  void AddTo(std::vector<pollfd>* entries) const;
  // Reads pipes, sees ends, keeps deadlines.
  void Serve(SteadyTime now);
  // When Serve must be called at the latest.
  SteadyTime NextDeadline() const;

 private:
  Courier::Callbacks CourierCallbacks();
  wire::MemoryCopy BorrowMemory();
  void StartRank(Rank* rank, wire::Document document);
  void FailToStart(int rank, const absl::Status& status);
  void Heard(int rank, const wire::Event& event);
  void Ended(Rank* rank, SteadyTime now);
  void KeepDeadlines(SteadyTime now);
  void SignalAll(int signal_number);
  void Settled(const wire::CheckpointResult& result, double seconds);
  Rank* Find(int rank);

  const v1::StartGang order_;
  const int master_port_;
  Host* const host_;
  // Says whether this gang still exists, to what other threads posted.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<Courier> courier_;
  EventRelay relay_;
  std::vector<std::unique_ptr<Rank>> ranks_;
  wire::MemoryCopy memory_;  // by our descriptor
  bool all_well_ = true;     // of the ranks that ended
  bool silent_ = false;
  std::optional<StopWish> stop_;
  std::set<int> unacknowledged_;
  std::optional<SteadyTime> ack_by_, term_at_, kill_at_;
};

}  // namespace ocellus::agent
