// The nodes: sessions, leases, inventory, orders on their way.
//
// A node has one current session; its number (epoch) is durable and grows. Whoever calls with
// another number is told STALE_SESSION. Every call renews the lease on the coordinator's monotonic
// clock. A lease that runs out makes the node SUSPECT: nothing new is placed there, and control
// decides about its gangs. Being heard again ends that.
//
// After a start of the coordinator nobody's lease runs out for a grace: not to have looked is not
// to have seen anyone die. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/base/clock.h"
#include "coordinator/base/protocol.h"
#include "coordinator/fleet/live_gangs.h"
#include "coordinator/fleet/outbox.h"
#include "coordinator/state/nodes.h"
#include "coordinator/state/store.h"
#include "ocellus/v1/worker.pb.h"

namespace ocellus::coordinator {

inline constexpr absl::Duration kBlindnessGraceMin = absl::Seconds(60);

struct FleetOptions {
  absl::Duration heartbeat = kHeartbeatInterval;
  absl::Duration lease = kLease;
  std::string store_uri;

  absl::Duration grace() const { return std::max(kBlindnessGraceMin, 2 * lease); }
};

struct NodeStatus {
  NodeRow row;
  bool connected = false;  // orders reach it
  bool suspect = false;
  absl::Duration last_heard;  // monotonic
};

class Fleet {
 public:
  // All outlive the fleet.
  Fleet(Store* store, LiveGangs* live, const Clock* clock, FleetOptions options);
  // The nodes of before, unheard as yet. Call once, first.
  absl::Status Load();

  // NODE_NAME_IN_USE while another process has the name and was heard within two heartbeats. A new
  // instance ends, in the same transaction, every rank that the node's earlier instance had.
  // Announced gangs that are current are adopted; the answer lists the others.
  absl::StatusOr<v1::RegisterResponse> Register(const v1::RegisterRequest& request);

  // A stream of the session; the one before it ends. STALE_SESSION, NODE_NOT_FOUND.
  absl::StatusOr<std::shared_ptr<Outbox>> Connect(const std::string& node, int64_t session);
  void Disconnect(const std::string& node, const std::shared_ptr<Outbox>& outbox);

  // Renews the lease. STALE_SESSION, NODE_NOT_FOUND.
  absl::Status CheckSession(const std::string& node, int64_t session);
  // CheckSession, and orders to kill what the agent has but should not. Returns those gangs.
  absl::StatusOr<std::vector<v1::GangRef>> Heartbeat(const v1::SessionRequest& request);

  // False when the node is not connected.
  bool Send(const std::string& node, const v1::SessionResponse& order);

  // Makes nodes SUSPECT whose lease ran out; their names.
  absl::StatusOr<std::vector<std::string>> ExpireLeases();

  std::vector<NodeStatus> Nodes() const;
  // Drops a node whose name never comes again: a worker that was made and is gone. One that is
  // connected stays.
  absl::Status Forget(const std::string& node);
  // Ends all streams: the coordinator stops.
  void Close();

  const FleetOptions& options() const { return options_; }

 private:
  struct Entry {
    NodeRow row;
    std::shared_ptr<Outbox> outbox;  // of the open stream
    bool reserved = false;           // registered, no stream seen yet
    bool suspect = false;
    absl::Duration last_heard;
  };
  absl::Status CheckNameFree(const v1::RegisterRequest& request) const;   // mutex_ is held
  absl::StatusOr<Entry*> Find(const std::string& node, int64_t session);  // mutex_ is held
  absl::Status WriteRegistration(const NodeRow& row, const v1::RegisterRequest& request,
                                 v1::RegisterResponse* response);

  Store* store_;
  LiveGangs* live_;
  const Clock* clock_;
  const FleetOptions options_;
  const absl::Duration started_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> nodes_;
  bool closed_ = false;
};

}  // namespace ocellus::coordinator
