#include "coordinator/control/reconciler.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/control/gang_end.h"
#include "coordinator/job/transitions.h"
#include "coordinator/launch/static_workers.h"
#include "coordinator/state/checkpoints.h"

namespace ocellus::coordinator {
namespace {

constexpr absl::Duration kTidyEvery = absl::Minutes(10);

// The job changed under us (a cancel, say): the next pass sees it as it is.
bool IsOvertaken(const absl::Status& status) {
  const v1::ErrorReason reason = ReasonOf(status);
  return reason == v1::ERROR_REASON_WRONG_STATE || reason == v1::ERROR_REASON_ETAG_MISMATCH ||
         reason == v1::ERROR_REASON_STALE_GENERATION;
}

// Whether a pass goes on after what it met at one job. Trouble of the store ends it; any other
// error is kept to be told, and must not keep the other jobs waiting.
bool GoesOn(const absl::Status& status, absl::Status* first_error) {
  if (status.ok() || IsOvertaken(status)) {
    return true;
  }
  first_error->Update(status);
  return !absl::IsUnavailable(status);
}

std::string CauseOf(const JobRow& job) {
  if (job.generation == 0) {
    return "submit";
  }
  return job.last_failure.has_value() ? ShortName(job.last_failure->failure_class()) : "resume";
}

NodeView ViewOf(const NodeStatus& node, const std::vector<Occupied>& occupied) {
  NodeView view;
  view.name = node.row.name;
  view.ready = node.connected && !node.suspect;
  view.cordoned = node.row.state == v1::NODE_STATE_CORDONED;
  std::map<int, std::string> gpu_users;
  std::vector<std::string> cpu_users;
  for (const Occupied& slot : occupied) {
    if (slot.gpu >= 0) {
      gpu_users[slot.gpu] = slot.job_id;
    } else {
      cpu_users.push_back(slot.job_id);
    }
  }
  const int cpu_slots = node.row.inventory.cpu_slots();
  for (int i = 0; i < cpu_slots; ++i) {
    view.slots.push_back({-1, i < static_cast<int>(cpu_users.size()) ? cpu_users[i] : ""});
  }
  for (const auto& gpu : node.row.inventory.gpus()) {
    view.slots.push_back({gpu.index(), gpu_users[gpu.index()]});
  }
  return view;
}

}  // namespace

Reconciler::Reconciler(Parts parts, ControlOptions options)
    : parts_(parts),
      options_(options),
      started_(parts.clock->Monotonic()),
      orders_(parts.store, parts.fleet, parts.live, parts.clock),
      gauges_(parts.store, parts.live, parts.metrics, parts.clock),
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

absl::Status Reconciler::Watch() { return parts_.fleet->ExpireLeases().status(); }

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

absl::StatusOr<Snapshot> Reconciler::TakeSnapshot(std::map<std::string, PendingRow>* rows) const {
  Snapshot snapshot;
  snapshot.now = parts_.clock->Now();
  std::map<std::string, std::vector<Occupied>> occupied;
  OCELLUS_RETURN_IF_ERROR(parts_.store->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const auto pending, PendingJobs(db));
    for (const PendingRow& job : pending) {
      snapshot.pending.push_back({job.id, job.priority, job.created, job.backoff_until, job.message,
                                  job.ranks, job.device});
      rows->emplace(job.id, job);
    }
    OCELLUS_ASSIGN_OR_RETURN(occupied, OccupiedSlots(db));
    return absl::OkStatus();
  }));
  for (const NodeStatus& node : parts_.fleet->Nodes()) {
    snapshot.nodes.push_back(ViewOf(node, occupied[node.row.name]));
  }
  return snapshot;
}

absl::Status Reconciler::Place() {
  std::map<std::string, PendingRow> rows;
  OCELLUS_ASSIGN_OR_RETURN(Snapshot snapshot, TakeSnapshot(&rows));
  if (snapshot.pending.empty()) {
    return absl::OkStatus();
  }
  const Plan plan = MakePlan(std::move(snapshot));
  absl::Status error;
  for (const Placement& placement : plan.placements) {
    if (!GoesOn(Commit(placement), &error)) {
      return error;
    }
  }
  error.Update(Explain(plan.waiting, rows));
  return error;
}

absl::Status Reconciler::Commit(const Placement& placement) {
  const auto nodes = ReadNodes();
  std::vector<RankSeat> seats;
  for (const Grant& grant : placement.grants) {
    seats.push_back({0, grant.node, grant.gpu});
  }
  std::vector<RankRow> ranks;
  for (const RankSeat& seat : AssignRanks(std::move(seats))) {
    ranks.push_back({seat.rank, seat.node, seat.gpu, nodes.at(seat.node).row.instance});
  }
  JobRow job;
  absl::Duration waited;
  std::string cause;
  OCELLUS_RETURN_IF_ERROR(parts_.store->Write("place", [&](Database& db) -> absl::Status {
    const absl::Time now = parts_.clock->Now();
    OCELLUS_ASSIGN_OR_RETURN(job, ReadJob(db, placement.job_id));
    OCELLUS_ASSIGN_OR_RETURN(const auto restore, RestoreList(db, job.id));
    OCELLUS_ASSIGN_OR_RETURN(const bool ever, EverCommitted(db, job.id));
    if (restore.empty() && ever) {
      return ChangeState(db, &job,
                         {v1::JOB_STATE_HELD, v1::JOB_REASON_NO_CHECKPOINT_LEFT,
                          "every checkpoint is damaged (`ocellus checkpoint list`); submit the job "
                          "again to start over",
                          "scheduler"},
                         now);
    }
    waited = now - job.since;
    cause = CauseOf(job);
    return StartGeneration(db, &job, ranks, cause, now);
  }));
  if (job.state == v1::JOB_STATE_STARTING) {
    gauges_.Placed(job, waited, cause);
    Log(LogSeverity::kInfo, "job_placed",
        {{"job", job.id}, {"generation", job.generation}, {"where", job.message}});
  }
  return absl::OkStatus();
}

absl::Status Reconciler::Explain(const std::vector<Waiting>& waiting,
                                 const std::map<std::string, PendingRow>& rows) {
  std::vector<const Waiting*> changed;
  for (const Waiting& job : waiting) {
    const PendingRow& row = rows.at(job.job_id);
    if (row.reason != job.reason || row.message != job.message) {
      changed.push_back(&job);
    }
  }
  if (changed.empty()) {
    return absl::OkStatus();
  }
  return parts_.store->Write("explain", [&](Database& db) -> absl::Status {
    for (const Waiting* job : changed) {
      OCELLUS_RETURN_IF_ERROR(
          SetWaiting(db, job->job_id, job->reason, job->message, parts_.clock->Now()));
    }
    return absl::OkStatus();
  });
}

absl::Status Reconciler::Command() {
  OCELLUS_ASSIGN_OR_RETURN(const auto gangs, ReadGangs());
  OCELLUS_RETURN_IF_ERROR(orders_.Send(gangs));
  return gauges_.Update(gangs, parts_.fleet->Nodes());
}

absl::Status Reconciler::Tidy() {
  const absl::Duration now = parts_.clock->Monotonic();
  if (now - last_tidy_ < kTidyEvery) {
    return absl::OkStatus();
  }
  last_tidy_ = now;
  OCELLUS_RETURN_IF_ERROR(parts_.ledger->Sweep());
  return parts_.store->Write("forget_requests",
                             [&](Database& db) { return ForgetRequests(db, parts_.clock->Now()); });
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
