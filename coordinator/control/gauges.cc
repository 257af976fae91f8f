#include "coordinator/control/gauges.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/transitions.h"

namespace ocellus::coordinator {
namespace {

constexpr absl::Duration kSeriesKept = absl::Minutes(5);
constexpr char kDefaultProject[] = "default";

std::string ObjectiveOf(const JobRow& job) {
  const auto document =
      nlohmann::json::parse(job.resolved_json, nullptr, /*allow_exceptions=*/false);
  const bool named = document.is_object() && document.contains("objective") &&
                     document["objective"].is_object() && !document["objective"].empty();
  return named ? document["objective"].begin().key() : "unknown";
}

}  // namespace

Gauges::Gauges(Store* store, LiveGangs* live, Metrics* metrics, const Clock* clock)
    : store_(store), live_(live), metrics_(metrics), clock_(clock), last_pass_(clock->Monotonic()) {
  SetBuildInfo(metrics_);
  metrics_->Gauge(metric::kLeader).Set(1);
  metrics_->Histogram(metric::kSchedulerCycle);
  metrics_->Histogram(metric::kJobQueueWait, {{"project", kDefaultProject}});
  metrics_->Histogram(metric::kJobStart, {{"project", kDefaultProject}});
  metrics_->Counter(metric::kJobGenerations, {{"project", kDefaultProject}, {"cause", "submit"}});
  for (int i = v1::FailureClass_MIN + 1; i <= v1::FailureClass_MAX; ++i) {
    const std::string name = ShortName(static_cast<v1::FailureClass>(i));
    metrics_->Counter(metric::kJobFailures, {{"project", kDefaultProject}, {"class", name}});
    metrics_->Counter(metric::kJobLostSteps, {{"project", kDefaultProject}, {"cause", name}});
  }
}

absl::Status Gauges::Update(const std::vector<GangRow>& gangs,
                            const std::vector<NodeStatus>& nodes) {
  OCELLUS_RETURN_IF_ERROR(CountJobsByState());
  OCELLUS_RETURN_IF_ERROR(CountSlots(nodes));
  OCELLUS_RETURN_IF_ERROR(Track(gangs));
  CountProjects(gangs);
  ForgetOld();
  return absl::OkStatus();
}

absl::Status Gauges::CountJobsByState() {
  JobCounts counts;
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(counts, CountJobs(db));
    return absl::OkStatus();
  }));
  std::map<Metrics::Labels, double> jobs;
  for (int i = v1::JobState_MIN + 1; i <= v1::JobState_MAX; ++i) {
    jobs[{{"project", kDefaultProject}, {"state", ShortName(static_cast<v1::JobState>(i))}}] = 0;
  }
  for (const auto& [key, count] : counts.by_state) {
    jobs[{{"project", key.first}, {"state", ShortName(key.second)}}] = static_cast<double>(count);
  }
  metrics_->SetGauges(metric::kJobs, jobs);
  std::map<Metrics::Labels, double> pending;
  for (const auto& [key, count] : counts.by_pending) {
    pending[{{"project", key.first}, {"reason", ShortName(key.second)}}] =
        static_cast<double>(count);
  }
  metrics_->SetGauges(metric::kJobsPending, pending);
  return absl::OkStatus();
}

absl::Status Gauges::CountSlots(const std::vector<NodeStatus>& nodes) {
  std::map<std::string, std::vector<Occupied>> occupied;
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(occupied, OccupiedSlots(db));
    return absl::OkStatus();
  }));
  std::map<std::string, double> states = {{"ready", 0}, {"suspect", 0}, {"disconnected", 0}};
  std::map<std::string, double> cpus = {{"used", 0}, {"free", 0}, {"lost", 0}};
  std::map<std::string, double> gpus = cpus;
  for (const NodeStatus& node : nodes) {
    for (const auto strike : {v1::FAILURE_CLASS_INFRA_NODE, v1::FAILURE_CLASS_HANG}) {
      metrics_->Counter(metric::kNodeStrikes,
                        {{"node", node.row.name}, {"class", ShortName(strike)}});
    }
    states[node.suspect ? "suspect" : node.connected ? "ready" : "disconnected"] += 1;
    const std::vector<Occupied>& ranks = occupied[node.row.name];
    const auto on_gpu = static_cast<double>(std::count_if(
        ranks.begin(), ranks.end(), [](const Occupied& rank) { return rank.gpu >= 0; }));
    const double on_cpu = static_cast<double>(ranks.size()) - on_gpu;
    cpus["used"] += on_cpu;
    gpus["used"] += on_gpu;
    cpus[node.suspect ? "lost" : "free"] += node.row.inventory.cpu_slots() - on_cpu;
    gpus[node.suspect ? "lost" : "free"] += node.row.inventory.gpus_size() - on_gpu;
  }
  const auto set = [&](const Metric& metric, const std::map<std::string, double>& values) {
    for (const auto& [state, value] : values) {
      metrics_->Gauge(metric, {{"state", state}}).Set(value);
    }
  };
  set(metric::kNodes, states);
  set(metric::kCpuSlots, cpus);
  set(metric::kGpus, gpus);
  return absl::OkStatus();
}

absl::StatusOr<std::string> Gauges::ShowInfo(const std::string& job_id) {
  std::string project;
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const JobRow job, ReadJob(db, job_id));
    metrics_
        ->Gauge(metric::kJobInfo, {{"job", job.id},
                                   {"name", job.spec.name()},
                                   {"project", job.spec.project()},
                                   {"objective", ObjectiveOf(job)}})
        .Set(1);
    project = job.spec.project();
    return absl::OkStatus();
  }));
  return project;
}

void Gauges::CountProjects(const std::vector<GangRow>& gangs) {
  std::map<Metrics::Labels, double> gpus = {{{{"project", kDefaultProject}}, 0}};
  std::map<Metrics::Labels, double> cpu_slots = gpus;
  for (const GangRow& gang : gangs) {
    const Metrics::Labels project = {{"project", tracked_[gang.job_id].project}};
    for (const RankRow& rank : gang.ranks) {
      gpus[project] += rank.gpu >= 0;
      cpu_slots[project] += rank.gpu < 0;
    }
  }
  metrics_->SetGauges(metric::kProjectUsedGpus, gpus);
  metrics_->SetGauges(metric::kProjectUsedCpuSlots, cpu_slots);
}

absl::Status Gauges::Track(const std::vector<GangRow>& gangs) {
  const absl::Duration now = clock_->Monotonic();
  const double passed = absl::ToDoubleSeconds(now - last_pass_);
  last_pass_ = now;
  for (const GangRow& gang : gangs) {
    const auto [entry, fresh] = tracked_.try_emplace(gang.job_id);
    Tracked& tracked = entry->second;
    tracked.seen = now;
    if (fresh) {
      OCELLUS_ASSIGN_OR_RETURN(tracked.project, ShowInfo(gang.job_id));
    }
    const Metrics::Labels job = {{"job", gang.job_id}};
    metrics_->Counter(metric::kJobWall, job).Increment(passed);
    auto& productive = metrics_->Counter(metric::kJobProductive, job);
    const auto live = live_->Get(gang.job_id, gang.generation);
    if (live.has_value() && live->step > tracked.best_step) {
      tracked.best_step = live->step;
      productive.Increment(passed);
    }
  }
  return absl::OkStatus();
}

void Gauges::ForgetOld() {
  const absl::Duration now = clock_->Monotonic();
  std::erase_if(tracked_, [&](const auto& entry) {
    const bool old = now - entry.second.seen > kSeriesKept;
    if (old) {
      metrics_->Forget("job", entry.first);
      live_->Forget(entry.first);
    }
    return old;
  });
}

void Gauges::Placed(const JobRow& job, absl::Duration waited, const std::string& cause) {
  const std::string& project = job.spec.project();
  metrics_->Histogram(metric::kJobQueueWait, {{"project", project}})
      .Observe(absl::ToDoubleSeconds(waited));
  metrics_->Counter(metric::kJobGenerations, {{"project", project}, {"cause", cause}}).Increment();
}

void Gauges::FirstStep(const GangRow& gang, const std::string& project) {
  metrics_->Histogram(metric::kJobStart, {{"project", project}})
      .Observe(absl::ToDoubleSeconds(clock_->Now() - gang.started));
}

void Gauges::Ended(const GangRow& gang, const GangOutcome& outcome) {
  if (!outcome.verdict.failure.has_value()) {
    return;
  }
  const std::string& project = outcome.job.spec.project();
  const std::string failure_class = ShortName(outcome.verdict.failure_class);
  metrics_->Counter(metric::kJobFailures, {{"project", project}, {"class", failure_class}})
      .Increment();
  metrics_->Counter(metric::kJobLostSteps, {{"project", project}, {"cause", failure_class}})
      .Increment(static_cast<double>(outcome.lost_steps));
  if (outcome.verdict.failure_class == v1::FAILURE_CLASS_INFRA_NODE ||
      outcome.verdict.failure_class == v1::FAILURE_CLASS_HANG) {
    metrics_
        ->Counter(metric::kNodeStrikes,
                  {{"node", outcome.verdict.failure->node()}, {"class", failure_class}})
        .Increment();
  }
}

}  // namespace ocellus::coordinator
