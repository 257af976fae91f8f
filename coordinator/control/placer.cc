#include "coordinator/control/placer.h"

#include <set>
#include <utility>

#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/control/pass.h"
#include "coordinator/job/transitions.h"
#include "coordinator/launch/static_workers.h"
#include "coordinator/state/checkpoints.h"
#include "coordinator/state/gangs.h"

namespace ocellus::coordinator {
namespace {

std::string CauseOf(const JobRow& job) {
  if (job.generation == 0) {
    return "submit";
  }
  return job.last_failure.has_value() ? ShortName(job.last_failure->failure_class()) : "resume";
}

NodeView ViewOf(const NodeStatus& node, const std::vector<Occupied>& occupied) {
  NodeView view;
  view.name = node.row.name;
  view.only_for = node.row.inventory.job_id();
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

Placer::Placer(Store* store, Fleet* fleet, Provisioner* provisioner, Gauges* gauges,
               const Clock* clock)
    : store_(store), fleet_(fleet), provisioner_(provisioner), gauges_(gauges), clock_(clock) {}

absl::StatusOr<Placer::Situation> Placer::Look() const {
  Situation situation;
  situation.snapshot.now = clock_->Now();
  std::map<std::string, std::vector<Occupied>> occupied;
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const auto pending, PendingJobs(db));
    for (const PendingRow& job : pending) {
      situation.snapshot.pending.push_back({job.id, job.priority, job.created, job.backoff_until,
                                            job.message, job.ranks, job.device});
      situation.pending.emplace(job.id, job);
    }
    OCELLUS_ASSIGN_OR_RETURN(occupied, OccupiedSlots(db));
    return absl::OkStatus();
  }));
  const std::set<std::string> closing = provisioner_->Closing();
  for (const NodeStatus& node : fleet_->Nodes()) {
    NodeView view = ViewOf(node, occupied[node.row.name]);
    view.cordoned = view.cordoned || closing.contains(view.name);
    situation.snapshot.nodes.push_back(std::move(view));
    situation.instances[node.row.name] = node.row.instance;
  }
  return situation;
}

absl::Status Placer::PlaceAll() {
  OCELLUS_ASSIGN_OR_RETURN(Situation situation, Look());
  Plan plan = MakePlan(std::move(situation.snapshot));
  absl::Status error;
  for (const Placement& placement : plan.placements) {
    if (!GoesOn(Commit(placement, situation.instances), &error)) {
      return error;
    }
  }
  error.Update(provisioner_->Update(&plan.waiting));
  error.Update(Explain(plan.waiting, situation.pending));
  return error;
}

absl::Status Placer::Commit(const Placement& placement,
                            const std::map<std::string, std::string>& instances) {
  std::vector<RankSeat> seats;
  for (const Grant& grant : placement.grants) {
    seats.push_back({0, grant.node, grant.gpu});
  }
  std::vector<RankRow> ranks;
  for (const RankSeat& seat : AssignRanks(std::move(seats))) {
    ranks.push_back({seat.rank, seat.node, seat.gpu, instances.at(seat.node)});
  }
  JobRow job;
  absl::Duration waited;
  std::string cause;
  OCELLUS_RETURN_IF_ERROR(store_->Write("place", [&](Database& db) -> absl::Status {
    const absl::Time now = clock_->Now();
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
    gauges_->Placed(job, waited, cause);
    Log(LogSeverity::kInfo, "job_placed",
        {{"job", job.id}, {"generation", job.generation}, {"where", job.message}});
  }
  return absl::OkStatus();
}

absl::Status Placer::Explain(const std::vector<Waiting>& waiting,
                             const std::map<std::string, PendingRow>& pending) {
  std::vector<const Waiting*> changed;
  for (const Waiting& job : waiting) {
    const PendingRow& row = pending.at(job.job_id);
    if (row.reason != job.reason || row.message != job.message) {
      changed.push_back(&job);
    }
  }
  if (changed.empty()) {
    return absl::OkStatus();
  }
  return store_->Write("explain", [&](Database& db) -> absl::Status {
    for (const Waiting* job : changed) {
      OCELLUS_RETURN_IF_ERROR(
          SetWaiting(db, job->job_id, job->reason, job->message, clock_->Now()));
    }
    return absl::OkStatus();
  });
}

}  // namespace ocellus::coordinator
