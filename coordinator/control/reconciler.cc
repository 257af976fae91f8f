#include "coordinator/control/reconciler.h"

#include <utility>

#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/control/gang_end.h"
#include "coordinator/control/pass.h"
#include "coordinator/state/audit.h"

namespace ocellus::coordinator {

Reconciler::Reconciler(Parts parts, ControlOptions options)
    : parts_(parts),
      options_(options),
      started_(parts.clock->Monotonic()),
      orders_(parts.store, parts.fleet, parts.live, parts.clock),
      gauges_(parts.store, parts.live, parts.metrics, parts.clock),
      provisioner_(parts.store, parts.fleet, parts.launcher),
      placer_(parts.store, parts.fleet, &provisioner_, &gauges_, parts.clock),
      last_tidy_(parts.clock->Monotonic()) {}

Reconciler::~Reconciler() { Stop(); }

absl::Status Reconciler::RunOnce() {
  const absl::Duration begun = RealClock().Monotonic();
  absl::Status error;
  for (absl::Status (Reconciler::*phase)() :
       {&Reconciler::Watch, &Reconciler::Advance, &Reconciler::Place, &Reconciler::Command,
        &Reconciler::Tidy}) {
    if (!GoesOn((this->*phase)(), &error)) {
      break;
    }
  }
  parts_.metrics->Histogram(metric::kSchedulerCycle)
      .Observe(absl::ToDoubleSeconds(RealClock().Monotonic() - begun));
  return error;
}

absl::Status Reconciler::Watch() {
  OCELLUS_RETURN_IF_ERROR(parts_.fleet->ExpireLeases().status());
  return provisioner_.ForgetGone();
}

absl::StatusOr<std::vector<GangRow>> Reconciler::ReadGangs() const {
  std::vector<GangRow> gangs;
  OCELLUS_RETURN_IF_ERROR(parts_.store->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(gangs, ActiveGangs(db));
    return absl::OkStatus();
  }));
  return gangs;
}

std::map<std::string, NodeStatus> Reconciler::ReadNodes() const {
  std::map<std::string, NodeStatus> nodes;
  for (NodeStatus& node : parts_.fleet->Nodes()) {
    nodes[node.row.name] = std::move(node);
  }
  return nodes;
}

absl::Status Reconciler::Advance() {
  OCELLUS_ASSIGN_OR_RETURN(const auto gangs, ReadGangs());
  const auto nodes = ReadNodes();
  for (const GangRow& gang : gangs) {
    const absl::Status status = gang.state == v1::JOB_STATE_STOPPING ? AdvanceStopping(gang, nodes)
                                                                     : AdvanceGang(gang, nodes);
    if (!status.ok() && !IsOvertaken(status)) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Reconciler::Change(const GangRow& gang, const StateChange& change) {
  return parts_.store->Write("change_state", [&](Database& db) -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(CheckCurrent(db, gang.job_id, gang.generation));
    OCELLUS_ASSIGN_OR_RETURN(JobRow job, ReadJob(db, gang.job_id));
    if (change.state == v1::JOB_STATE_RUNNING) {
      OCELLUS_RETURN_IF_ERROR(
          RecordFirstStep(db, gang.job_id, gang.generation, parts_.clock->Now()));
      gauges_.FirstStep(gang, job.spec.project());
    }
    return ChangeState(db, &job, change, parts_.clock->Now());
  });
}

absl::Status Reconciler::AdvanceGang(const GangRow& gang,
                                     const std::map<std::string, NodeStatus>& nodes) {
  const auto live = parts_.live->Get(gang.job_id, gang.generation);
  const GangFacts facts{&gang,
                        live.has_value() ? &*live : nullptr,
                        &nodes,
                        parts_.clock->Now(),
                        parts_.clock->Monotonic(),
                        started_,
                        parts_.fleet->options().heartbeat};
  if (const auto wish = FindStop(facts, options_.limits); wish.has_value()) {
    return Change(gang, {v1::JOB_STATE_STOPPING, wish->cause, wish->message, "monitor"});
  }
  if (gang.state == v1::JOB_STATE_STARTING && AllStepped(gang, facts.live)) {
    return Change(gang, {v1::JOB_STATE_RUNNING, v1::JOB_REASON_TRAINING,
                         "every rank has finished a step", "monitor"});
  }
  return absl::OkStatus();
}

absl::Status Reconciler::AdvanceStopping(const GangRow& gang,
                                         const std::map<std::string, NodeStatus>& nodes) {
  const auto live = parts_.live->Get(gang.job_id, gang.generation);
  if (gang.all_ended()) {
    OCELLUS_ASSIGN_OR_RETURN(const GangOutcome outcome,
                             EndGang(parts_.store, gang, live.has_value() ? &*live : nullptr,
                                     *parts_.clock, options_.backoff_base));
    gauges_.Ended(gang, outcome);
    return absl::OkStatus();
  }
  if (gang.reason == v1::JOB_REASON_FINISHING) {
    return AdvanceGang(gang, nodes);
  }
  const auto without_gang = orders_.WithoutGang(gang);
  for (const RankRow& rank : gang.ranks) {
    const auto node = nodes.find(rank.node);
    if (rank.ended != absl::InfinitePast() || node == nodes.end()) {
      continue;
    }
    if (node->second.suspect) {
      // The fence protects the storage, so the job need not wait for this rank. Its slots stay
      // closed until the node is heard again.
      OCELLUS_RETURN_IF_ERROR(EndRank(parts_.store, gang, rank, kLeaseLost,
                                      v1::FAILURE_CLASS_INFRA_NODE,
                                      "the node was not heard within its lease", *parts_.clock));
    } else if (without_gang.contains(rank.node)) {
      OCELLUS_RETURN_IF_ERROR(EndRank(parts_.store, gang, rank, kAgentLost,
                                      v1::FAILURE_CLASS_INFRA_PROCESS,
                                      "the node's agent has no such gang", *parts_.clock));
    }
  }
  return absl::OkStatus();
}

absl::Status Reconciler::Place() { return placer_.PlaceAll(); }

absl::Status Reconciler::Command() {
  OCELLUS_ASSIGN_OR_RETURN(const auto gangs, ReadGangs());
  OCELLUS_RETURN_IF_ERROR(orders_.Send(gangs));
  return gauges_.Update(gangs, parts_.fleet->Nodes());
}

absl::Status Reconciler::Tidy() {
  const absl::Duration now = parts_.clock->Monotonic();
  if (now - last_tidy_ < options_.tidy_every) {
    return absl::OkStatus();
  }
  last_tidy_ = now;
  OCELLUS_RETURN_IF_ERROR(parts_.ledger->Sweep());
  return parts_.store->Write("forget", [&](Database& db) -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(ForgetAudit(db, parts_.clock->Now()));
    return ForgetRequests(db, parts_.clock->Now());
  });
}

void Reconciler::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Reconciler::Stop() {
  stopping_ = true;
  parts_.store->changes().Notify();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Reconciler::Loop() {
  std::string last_error;
  int64_t seen = 0;
  while (!stopping_) {
    seen = parts_.store->changes().Seen();
    const absl::Status status = RunOnce();
    const std::string error = status.ok() ? "" : std::string(status.message());
    if (error != last_error) {
      Log(error.empty() ? LogSeverity::kInfo : LogSeverity::kError,
          error.empty() ? "reconcile_recovered" : "reconcile_failed", {{"error", error}});
      last_error = error;
    }
    // Our own writes count as changes, so a pass that did something is followed by one more. After
    // an error the store may refuse everything: wait for the tick.
    if (status.ok()) {
      parts_.store->changes().Wait(seen, options_.tick);
    } else {
      Beacon().Wait(0, options_.tick);
    }
  }
}

}  // namespace ocellus::coordinator
