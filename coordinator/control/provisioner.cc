#include "coordinator/control/provisioner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/transitions.h"
#include "coordinator/state/gangs.h"
#include "coordinator/state/jobs.h"

namespace ocellus::coordinator {
namespace {

WorkerWish WishOf(const JobRow& job, int position) {
  WorkerWish wish;
  wish.position = position;
  wish.generation = job.generation + 1;
  wish.ranks = job.spec.ranks();
  wish.device = job.spec.device();
  wish.name = job.spec.name();
  const auto topology = job.spec.labels().find(kTopologyLabel);
  wish.topology = topology == job.spec.labels().end() ? "" : topology->second;
  return wish;
}

bool Uses(const GangRow& gang, const std::string& node) {
  return std::any_of(gang.ranks.begin(), gang.ranks.end(), [&](const RankRow& rank) {
    return rank.node == node && rank.ended == absl::InfinitePast();
  });
}

// Nothing of this job is placed any more.
absl::StatusOr<bool> IsOver(Database& db, const std::string& job_id) {
  const auto job = ReadJob(db, job_id);
  if (absl::IsNotFound(job.status())) {
    return true;
  }
  OCELLUS_RETURN_IF_ERROR(job.status());
  return IsTerminal(job->state);
}

}  // namespace

std::set<std::string> Provisioner::Closing() const {
  if (launcher_ == nullptr) {
    return {};
  }
  std::set<std::string> closing = launcher_->Closing();
  const auto present = launcher_->Present();
  for (const NodeStatus& node : fleet_->Nodes()) {
    const bool made = !node.row.inventory.job_id().empty();
    // Its process may outlive it by some seconds, and still be heard.
    if (made && present.has_value() && !present->contains(node.row.name)) {
      closing.insert(node.row.name);
    }
  }
  return closing;
}

std::set<std::string> Provisioner::JobsWithWorkers() const {
  std::set<std::string> jobs;
  for (const NodeStatus& node : fleet_->Nodes()) {
    jobs.insert(node.row.inventory.job_id());
  }
  return jobs;
}

absl::StatusOr<LaunchWishes> Provisioner::Wishes(const std::vector<Waiting>& waiting) const {
  LaunchWishes wishes;
  const std::set<std::string> with_workers = JobsWithWorkers();
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const auto gangs, ActiveGangs(db));
    for (const GangRow& gang : gangs) {
      WorkerUse& use = wishes.running[gang.job_id];
      use.generation = gang.generation;
      for (const RankRow& rank : gang.ranks) {
        use.nodes.insert(rank.node);
      }
    }
    for (const Waiting& job : waiting) {
      const bool rests = job.reason == v1::JOB_REASON_BACKOFF;
      const int position = static_cast<int>(wishes.pending.size());
      if ((rests && !with_workers.contains(job.job_id)) || position >= kWishesMax) {
        continue;
      }
      OCELLUS_ASSIGN_OR_RETURN(const JobRow row, ReadJob(db, job.job_id));
      if (row.state == v1::JOB_STATE_PENDING) {
        wishes.pending.emplace(row.id, WishOf(row, position));
      }
    }
    return absl::OkStatus();
  }));
  for (const NodeStatus& node : fleet_->Nodes()) {
    if (node.suspect) {
      wishes.lost.insert(node.row.name);
    }
  }
  return wishes;
}

absl::Status Provisioner::Update(std::vector<Waiting>* waiting) {
  if (launcher_ == nullptr) {
    return absl::OkStatus();
  }
  OCELLUS_ASSIGN_OR_RETURN(LaunchWishes wishes, Wishes(*waiting));
  for (Waiting& job : *waiting) {
    if (job.reason != v1::JOB_REASON_BACKOFF && wishes.pending.contains(job.job_id)) {
      job.reason = v1::JOB_REASON_WAITING_FOR_WORKERS;
      job.message = absl::StrCat("workers are being made: ", launcher_->Explain(job.job_id));
    }
  }
  launcher_->Want(std::move(wishes));
  return absl::OkStatus();
}

absl::Status Provisioner::ForgetGone() {
  std::vector<NodeStatus> silent = fleet_->Nodes();
  std::erase_if(silent, [](const NodeStatus& node) {
    return node.connected || !node.suspect || node.row.inventory.job_id().empty();
  });
  if (silent.empty()) {
    return absl::OkStatus();
  }
  const auto present = launcher_ == nullptr ? std::nullopt : launcher_->Present();
  std::vector<std::string> gone;
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const auto gangs, ActiveGangs(db));
    for (const NodeStatus& node : silent) {
      const std::string& name = node.row.name;
      OCELLUS_ASSIGN_OR_RETURN(const bool over, IsOver(db, node.row.inventory.job_id()));
      const bool no_pod = present.has_value() && !present->contains(name);
      const bool used = std::any_of(gangs.begin(), gangs.end(),
                                    [&](const GangRow& gang) { return Uses(gang, name); });
      if ((over || no_pod) && !used) {
        gone.push_back(name);
      }
    }
    return absl::OkStatus();
  }));
  for (const std::string& node : gone) {
    OCELLUS_RETURN_IF_ERROR(fleet_->Forget(node));
  }
  return absl::OkStatus();
}

}  // namespace ocellus::coordinator
