#include "coordinator/control/orders.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/transitions.h"
#include "coordinator/launch/static_workers.h"

namespace ocellus::coordinator {
namespace {

constexpr absl::Duration kRepeatAfter = absl::Seconds(5);
// After the grace the agent sends SIGTERM, waits 10 s and kills; later than that it has failed to.
constexpr absl::Duration kKillSlack = absl::Seconds(15);
constexpr int kSilentHeartbeats = 3;
// For the stacks of a gang that hangs to be written, read and sent.
constexpr absl::Duration kStackTime = absl::Seconds(3);

std::set<std::string> NodesOf(const GangRow& gang) {
  std::set<std::string> nodes;
  for (const RankRow& rank : gang.ranks) {
    if (rank.ended == absl::InfinitePast()) {
      nodes.insert(rank.node);
    }
  }
  return nodes;
}

bool IsStuck(v1::JobReason cause) {
  return cause == v1::JOB_REASON_HANG || cause == v1::JOB_REASON_START_TIMEOUT;
}

bool IsSoft(v1::JobReason cause) {
  return cause == v1::JOB_REASON_CANCEL || cause == v1::JOB_REASON_HOLD;
}

}  // namespace

absl::Status Orders::Send(const std::vector<GangRow>& gangs) {
  std::erase_if(sent_, [&](const auto& entry) {
    return std::none_of(gangs.begin(), gangs.end(), [&](const GangRow& gang) {
      return gang.job_id == std::get<0>(entry.first) && gang.generation == std::get<1>(entry.first);
    });
  });
  for (const GangRow& gang : gangs) {
    for (const std::string& node : NodesOf(gang)) {
      OCELLUS_RETURN_IF_ERROR(SendTo(gang, node));
    }
  }
  return absl::OkStatus();
}

Orders::Kind Orders::Due(const GangRow& gang, const std::string& node, absl::Duration grace) const {
  if (gang.state == v1::JOB_STATE_STOPPING) {
    if (gang.reason == v1::JOB_REASON_FINISHING) {
      return Kind::kNone;
    }
    if (IsStuck(gang.reason)) {
      return clock_->Now() - gang.since < kStackTime ? Kind::kStop : Kind::kKill;
    }
    const bool in_grace = clock_->Now() - gang.since < grace + kKillSlack;
    return IsSoft(gang.reason) && in_grace ? Kind::kStop : Kind::kKill;
  }
  const auto live = live_->Get(gang.job_id, gang.generation);
  if (gang.state != v1::JOB_STATE_STARTING ||
      (live.has_value() && live->announced.contains(node))) {
    return Kind::kNone;
  }
  const bool seen = live.has_value() && std::any_of(live->ranks.begin(), live->ranks.end(),
                                                    [](const auto& r) { return r.second.started; });
  return seen ? Kind::kNone : Kind::kStart;
}

absl::Status Orders::SendTo(const GangRow& gang, const std::string& node) {
  absl::Duration grace;
  if (gang.state == v1::JOB_STATE_STOPPING && IsSoft(gang.reason)) {
    OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(const JobRow job, ReadJob(db, gang.job_id));
      grace = absl::Seconds(job.spec.stop_grace().seconds());
      return absl::OkStatus();
    }));
  }
  const Kind kind = Due(gang, node, grace);
  if (kind == Kind::kNone) {
    return absl::OkStatus();
  }
  const absl::Duration now = clock_->Monotonic();
  Sent& sent = sent_[{gang.job_id, gang.generation, node}];
  const bool same = sent.kind == kind && sent.cause == gang.reason;
  if (same && now - sent.last < kRepeatAfter) {
    return absl::OkStatus();
  }
  OCELLUS_ASSIGN_OR_RETURN(v1::SessionResponse order, Make(kind, gang));
  if (!fleet_->Send(node, order)) {
    return absl::OkStatus();  // again when the node is connected
  }
  sent = {kind, gang.reason, same ? sent.first : now, now};
  if (!same) {
    Log(LogSeverity::kInfo,
        kind == Kind::kStart  ? "gang_start"
        : kind == Kind::kStop ? "gang_stop"
                              : "gang_kill",
        {{"job", gang.job_id},
         {"generation", gang.generation},
         {"node", node},
         {"reason", ShortName(gang.reason)}});
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::SessionResponse> Orders::Make(Kind kind, const GangRow& gang) {
  v1::SessionResponse order;
  v1::GangRef ref;
  ref.set_job_id(gang.job_id);
  ref.set_generation(gang.generation);
  if (kind == Kind::kKill) {
    *order.mutable_kill()->mutable_gang() = ref;
    return order;
  }
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    if (kind == Kind::kStart) {
      OCELLUS_ASSIGN_OR_RETURN(*order.mutable_start(), MakeStart(db, gang));
      return absl::OkStatus();
    }
    OCELLUS_ASSIGN_OR_RETURN(const JobRow job, ReadJob(db, gang.job_id));
    *order.mutable_stop()->mutable_gang() = ref;
    order.mutable_stop()->set_cause(gang.reason);
    *order.mutable_stop()->mutable_grace() = job.spec.stop_grace();
    if (IsStuck(gang.reason)) {
      order.mutable_stop()->mutable_grace()->set_seconds(absl::ToInt64Seconds(kStackTime));
      order.mutable_stop()->mutable_grace()->set_nanos(0);
    }
    order.mutable_stop()->set_want_checkpoint(gang.reason == v1::JOB_REASON_HOLD);
    return absl::OkStatus();
  }));
  return order;
}

absl::StatusOr<v1::StartGang> Orders::MakeStart(Database& db, const GangRow& gang) {
  OCELLUS_ASSIGN_OR_RETURN(JobRow job, ReadJob(db, gang.job_id));
  OCELLUS_ASSIGN_OR_RETURN(const auto restore, RestoreList(db, gang.job_id));
  GangPlan plan;
  plan.job_id = gang.job_id;
  plan.generation = gang.generation;
  plan.prefix = job.prefix();
  plan.spec = std::move(job.spec);
  plan.resolved_json = std::move(job.resolved_json);
  plan.store_uri = fleet_->options().store_uri;
  std::set<std::string> nodes;
  for (const RankRow& rank : gang.ranks) {
    plan.seats.push_back({rank.rank, rank.node, rank.gpu});
    nodes.insert(rank.node);
  }
  // As of the gang's start, so that a repeated order is the same.
  OCELLUS_ASSIGN_OR_RETURN(
      plan.fault_interval_s,
      FaultInterval(db, gang.job_id, static_cast<int>(nodes.size()), gang.started));
  for (const NodeStatus& node : fleet_->Nodes()) {
    plan.hosts[node.row.name] = node.row.inventory.host();
  }
  for (const CheckpointRow& row : restore) {
    plan.restore.push_back(ToProto(row, plan.store_uri));
  }
  return MakeStartGang(plan);
}

std::set<std::string> Orders::WithoutGang(const GangRow& gang) const {
  std::set<std::string> without;
  const absl::Duration silence = kSilentHeartbeats * fleet_->options().heartbeat;
  const absl::Duration now = clock_->Monotonic();
  const auto live = live_->Get(gang.job_id, gang.generation);
  for (const NodeStatus& node : fleet_->Nodes()) {
    const std::string& name = node.row.name;
    const auto sent = sent_.find({gang.job_id, gang.generation, name});
    if (!node.connected || now - node.last_heard > 2 * fleet_->options().heartbeat ||
        sent == sent_.end() || now - sent->second.first < silence ||
        (sent->second.kind != Kind::kKill && sent->second.kind != Kind::kStop)) {
      continue;
    }
    const bool announced_lately = live.has_value() && live->announced.contains(name) &&
                                  now - live->announced.at(name).at < silence;
    if (!announced_lately) {
      without.insert(name);
    }
  }
  return without;
}

}  // namespace ocellus::coordinator
