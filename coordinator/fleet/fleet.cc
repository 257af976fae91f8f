#include "coordinator/fleet/fleet.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/fleet/handover.h"
#include "coordinator/state/gangs.h"

namespace ocellus::coordinator {
namespace {

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration result;
  const int64_t nanos = absl::ToInt64Nanoseconds(duration);
  result.set_seconds(nanos / 1'000'000'000);
  result.set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  return result;
}

absl::Status StaleSession(const std::string& node, int64_t session, int64_t current) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_STALE_SESSION,
               absl::StrCat("session ", session, " of node ", node,
                            " is over, another agent has taken the node; end this one"),
               {{"node", node}, {"current", absl::StrCat(current)}});
}

}  // namespace

Fleet::Fleet(Store* store, LiveGangs* live, const Clock* clock, FleetOptions options)
    : store_(store),
      live_(live),
      clock_(clock),
      options_(std::move(options)),
      started_(clock->Monotonic()) {}

absl::Status Fleet::Load() {
  std::vector<NodeRow> rows;
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(rows, ReadNodes(db));
    return absl::OkStatus();
  }));
  std::lock_guard lock(mutex_);
  for (NodeRow& row : rows) {
    Entry& entry = nodes_[row.name];
    // Not SUSPECT, whatever it was: this process has not looked yet. The grace decides.
    entry.row = std::move(row);
    entry.last_heard = started_;
  }
  return absl::OkStatus();
}

absl::Status Fleet::CheckNameFree(const v1::RegisterRequest& request) const {
  const auto found = nodes_.find(request.node());
  if (found == nodes_.end() || found->second.row.instance == request.instance_id()) {
    return absl::OkStatus();
  }
  const Entry& entry = found->second;
  const bool heard_lately = clock_->Monotonic() - entry.last_heard < 2 * options_.heartbeat;
  if ((entry.outbox == nullptr && !entry.reserved) || !heard_lately) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_NODE_NAME_IN_USE,
               absl::StrCat("another agent is connected as node ", request.node(),
                            "; stop that one, or give --node another name"),
               {{"node", request.node()}});
}

absl::StatusOr<v1::RegisterResponse> Fleet::Register(const v1::RegisterRequest& request) {
  std::lock_guard lock(mutex_);
  OCELLUS_RETURN_IF_ERROR(CheckNameFree(request));
  const auto known = nodes_.find(request.node());
  NodeRow row = known == nodes_.end() ? NodeRow() : known->second.row;
  if (row.instance != request.instance_id()) {
    ++row.epoch;
  }
  row.name = request.node();
  row.instance = request.instance_id();
  row.state = v1::NODE_STATE_READY;
  row.inventory = request.inventory();
  row.metrics_address = request.metrics_address();
  row.version = request.version();
  row.last_seen = clock_->Now();
  v1::RegisterResponse response;
  OCELLUS_RETURN_IF_ERROR(WriteRegistration(row, request, &response));

  Entry& entry = nodes_[request.node()];
  if (entry.outbox != nullptr && entry.row.epoch != row.epoch) {
    entry.outbox->Close();
    entry.outbox = nullptr;
  }
  entry.row = row;
  entry.reserved = entry.outbox == nullptr;
  entry.suspect = false;
  entry.last_heard = clock_->Monotonic();
  response.set_session(row.epoch);
  *response.mutable_heartbeat_interval() = ToProto(options_.heartbeat);
  *response.mutable_lease() = ToProto(options_.lease);
  response.set_store_uri(options_.store_uri);
  Log(LogSeverity::kInfo, "node_registered",
      {{"node", row.name}, {"session", row.epoch}, {"gangs", request.gangs_size()}});
  return response;
}

absl::Status Fleet::WriteRegistration(const NodeRow& row, const v1::RegisterRequest& request,
                                      v1::RegisterResponse* response) {
  std::vector<const v1::GangStatus*> current;
  OCELLUS_RETURN_IF_ERROR(store_->Write("register", [&](Database& db) -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(WriteNode(db, row));
    OCELLUS_RETURN_IF_ERROR(EndRanksOfOthers(db, row.name, row.instance, clock_->Now()));
    for (const auto& status : request.gangs()) {
      OCELLUS_ASSIGN_OR_RETURN(const bool adopted,
                               Adopt(db, row.name, status.gang(), clock_->Now()));
      if (adopted) {
        current.push_back(&status);
      } else {
        *response->add_stale() = status.gang();
      }
    }
    return absl::OkStatus();
  }));
  for (const v1::GangStatus* status : current) {
    live_->Announce(row.name, *status);
  }
  return absl::OkStatus();
}

absl::StatusOr<Fleet::Entry*> Fleet::Find(const std::string& node, int64_t session) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) {
    return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NODE_NOT_FOUND,
                 absl::StrCat("node ", node, " is not registered; call Register first"),
                 {{"node", node}});
  }
  if (found->second.row.epoch != session) {
    return StaleSession(node, session, found->second.row.epoch);
  }
  return &found->second;
}

absl::StatusOr<std::shared_ptr<Outbox>> Fleet::Connect(const std::string& node, int64_t session) {
  std::lock_guard lock(mutex_);
  OCELLUS_ASSIGN_OR_RETURN(Entry * entry, Find(node, session));
  if (closed_) {
    return absl::UnavailableError("the coordinator is stopping; connect again");
  }
  if (entry->outbox != nullptr) {
    entry->outbox->Close();
  }
  entry->outbox = std::make_shared<Outbox>();
  entry->reserved = false;
  entry->last_heard = clock_->Monotonic();
  return entry->outbox;
}

void Fleet::Disconnect(const std::string& node, const std::shared_ptr<Outbox>& outbox) {
  std::lock_guard lock(mutex_);
  outbox->Close();
  const auto found = nodes_.find(node);
  if (found != nodes_.end() && found->second.outbox == outbox) {
    found->second.outbox = nullptr;
    Log(LogSeverity::kInfo, "node_disconnected", {{"node", node}});
  }
}

absl::Status Fleet::CheckSession(const std::string& node, int64_t session) {
  std::lock_guard lock(mutex_);
  OCELLUS_ASSIGN_OR_RETURN(Entry * entry, Find(node, session));
  entry->last_heard = clock_->Monotonic();
  if (entry->suspect) {
    entry->suspect = false;
    Log(LogSeverity::kInfo, "node_heard_again", {{"node", node}});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::GangRef>> Fleet::Heartbeat(const v1::SessionRequest& request) {
  OCELLUS_RETURN_IF_ERROR(CheckSession(request.node(), request.session()));
  std::vector<v1::GangRef> stale;
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    for (const auto& status : request.gangs()) {
      const auto& gang = status.gang();
      if (CheckCurrent(db, gang.job_id(), gang.generation()).ok()) {
        live_->Announce(request.node(), status);
      } else {
        stale.push_back(gang);
      }
    }
    return absl::OkStatus();
  }));
  for (const v1::GangRef& gang : stale) {
    v1::SessionResponse order;
    *order.mutable_kill()->mutable_gang() = gang;
    Send(request.node(), order);
  }
  return stale;
}

bool Fleet::Send(const std::string& node, const v1::SessionResponse& order) {
  std::lock_guard lock(mutex_);
  const auto found = nodes_.find(node);
  if (found == nodes_.end() || found->second.outbox == nullptr) {
    return false;
  }
  if (!found->second.outbox->Push(order)) {
    found->second.outbox->Close();  // it does not read; let it connect again
    return false;
  }
  return true;
}

absl::StatusOr<std::vector<std::string>> Fleet::ExpireLeases() {
  std::lock_guard lock(mutex_);
  const absl::Duration now = clock_->Monotonic();
  std::vector<std::string> expired;
  for (auto& [name, entry] : nodes_) {
    const absl::Duration until =
        std::max(entry.last_heard + options_.lease, started_ + options_.grace());
    if (entry.suspect || now < until) {
      continue;
    }
    NodeRow row = entry.row;
    row.state = v1::NODE_STATE_SUSPECT;
    OCELLUS_RETURN_IF_ERROR(
        store_->Write("node_suspect", [&](Database& db) { return WriteNode(db, row); }));
    entry.row = row;
    entry.suspect = true;
    if (entry.outbox != nullptr) {
      entry.outbox->Close();
    }
    expired.push_back(name);
    Log(LogSeverity::kWarning, "node_suspect",
        {{"node", name}, {"silent_s", absl::ToDoubleSeconds(now - entry.last_heard)}});
  }
  return expired;
}

std::vector<NodeStatus> Fleet::Nodes() const {
  std::lock_guard lock(mutex_);
  std::vector<NodeStatus> nodes;
  for (const auto& [name, entry] : nodes_) {
    nodes.push_back({entry.row, entry.outbox != nullptr, entry.suspect, entry.last_heard});
  }
  return nodes;
}

absl::Status Fleet::Forget(const std::string& node) {
  std::lock_guard lock(mutex_);
  const auto found = nodes_.find(node);
  if (found == nodes_.end() || found->second.outbox != nullptr) {
    return absl::OkStatus();
  }
  OCELLUS_RETURN_IF_ERROR(
      store_->Write("forget_node", [&](Database& db) { return DeleteNode(db, node); }));
  nodes_.erase(found);
  Log(LogSeverity::kInfo, "node_forgotten", {{"node", node}});
  return absl::OkStatus();
}

void Fleet::Close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  for (auto& [name, entry] : nodes_) {
    if (entry.outbox != nullptr) {
      entry.outbox->Close();
    }
  }
}

}  // namespace ocellus::coordinator
