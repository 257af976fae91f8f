#include "worker/agent/train_metrics.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "worker/agent/evaluation_series.h"

namespace ocellus::agent {
namespace {

namespace metric = coordinator::metric;
using coordinator::Metric;

double OrZero(double seconds) { return seconds > 0 ? seconds : 0; }

// What a counter takes from a total that was `*seen` before. A total that fell belongs to a new
// generation, which resumed from an earlier step.
double Advance(int64_t total, int64_t* seen, int64_t first) {
  const int64_t by = *seen < 0 || total < *seen ? first : total - *seen;
  *seen = total;
  return static_cast<double>(std::max<int64_t>(by, 0));
}

}  // namespace

TrainMetrics::JobSeries TrainMetrics::Make(const std::string& job) {
  const coordinator::Metrics::Labels labels = {{"job", job}};
  JobSeries series;
  series.step = &metrics_->Gauge(metric::kTrainStep, labels);
  series.loss = &metrics_->Gauge(metric::kTrainLoss, labels);
  series.loss->Set(std::nan(""));  // 0 would be a loss
  series.images_per_second = &metrics_->Gauge(metric::kTrainImages, labels);
  metrics_->Gauge(metric::kTrainCollapsed,
                  labels);  // 0 from the start, so that an alert has a first value
  series.samples = &metrics_->Counter(metric::kTrainSamples, labels);
  series.skipped = &metrics_->Counter(metric::kTrainSkipped, labels);
  series.stall = &metrics_->Counter(metric::kCheckpointStall, labels);
  series.log_dropped = &metrics_->Counter(metric::kLogDropped, labels);
  metrics_->Gauge(metric::kCheckpointPaused, labels).Set(0);
  series.last_commit = &metrics_->Gauge(metric::kCheckpointLastCommit, labels);
  for (const char* phase : {"total", "data_wait", "collective_wait"}) {
    series.step_phases[phase] =
        &metrics_->Histogram(metric::kTrainStepDuration, {{"job", job}, {"phase", phase}});
  }
  for (const char* stage : {"snapshot", "upload", "commit"}) {
    series.checkpoint_stages[stage] =
        &metrics_->Histogram(metric::kCheckpointDuration, {{"job", job}, {"stage", stage}});
  }
  for (const char* reason : {"upload", "commit", "left_out"}) {
    series.checkpoint_failures[reason] =
        &metrics_->Counter(metric::kCheckpointFailures, {{"job", job}, {"reason", reason}});
  }
  return series;
}

TrainMetrics::RankSeries TrainMetrics::MakeRank(const std::string& job, int rank) {
  const coordinator::Metrics::Labels labels = {{"job", job}, {"rank", absl::StrCat(rank)}};
  return {&metrics_->Gauge(metric::kTrainLastProgress, labels),
          &metrics_->Counter(metric::kTrainCollectiveWait, labels),
          &metrics_->Counter(metric::kDataWait, labels),
          &metrics_->Gauge(metric::kTrainStragglerRatio, labels)};
}

void TrainMetrics::Start(const std::string& job, const std::vector<int>& ranks) {
  const auto [entry, is_new] = jobs_.try_emplace(job);
  JobSeries& series = entry->second;
  if (is_new) series = Make(job);
  for (int rank : ranks) {
    if (!series.ranks.contains(rank)) series.ranks[rank] = MakeRank(job, rank);
  }
  series.samples_seen = series.skipped_seen = -1;
  series.log_dropped_seen = 0;
  series.running = true;
}

void TrainMetrics::CountTotals(const wire::Step& step, JobSeries* series) {
  // The first report of a generation may be of any step; the global batch is constant.
  const int64_t batch = step.samples / std::max<int64_t>(step.step, 1);
  series->samples->Increment(Advance(step.samples, &series->samples_seen, batch));
  series->skipped->Increment(Advance(step.skipped, &series->skipped_seen, 0));
}

void TrainMetrics::CompareRanks(JobSeries* series) {
  std::vector<double> own;
  for (const auto& [rank, rank_series] : series->ranks) {
    if (rank_series.own_s > 0) own.push_back(rank_series.own_s);
  }
  if (own.empty()) return;
  const auto middle = own.begin() + static_cast<ptrdiff_t>(own.size() / 2);
  std::nth_element(own.begin(), middle, own.end());
  for (auto& [rank, rank_series] : series->ranks) {
    rank_series.straggler->Set(rank_series.own_s / *middle);
  }
}

void TrainMetrics::Step(const std::string& job, int rank, const wire::Step& step, double at) {
  const auto entry = jobs_.find(job);
  if (entry == jobs_.end() || !entry->second.ranks.contains(rank)) return;
  JobSeries& series = entry->second;
  RankSeries& rank_series = series.ranks[rank];
  rank_series.last_progress->Set(at);
  rank_series.collective_wait->Increment(OrZero(step.collective_wait_s));
  rank_series.data_wait->Increment(OrZero(step.data_wait_s));
  rank_series.own_s = OrZero(step.step_s - step.collective_wait_s);
  CompareRanks(&series);
  if (rank != 0) return;
  series.step->Set(static_cast<double>(step.step));
  series.loss->Set(step.loss);
  series.images_per_second->Set(step.images_per_s);
  if (step.chance_loss) {
    metrics_->Gauge(metric::kTrainChanceLoss, {{"job", job}}).Set(*step.chance_loss);
  }
  series.step_phases["total"]->Observe(OrZero(step.step_s));
  series.step_phases["data_wait"]->Observe(OrZero(step.data_wait_s));
  series.step_phases["collective_wait"]->Observe(OrZero(step.collective_wait_s));
  CountTotals(step, &series);
}

void TrainMetrics::Value(const std::string& job, const wire::Metric& value) {
  if (value.name == "checkpoint_left_out") return CheckpointFailed(job, "left_out");
  coordinator::Metrics::Labels labels;
  const Metric* series = EvaluationSeries(value.name, &labels);
  if (series == nullptr) return;
  labels["job"] = job;
  metrics_->Gauge(*series, labels).Set(value.value);
}

void TrainMetrics::CheckpointReady(const std::string& job, const wire::CheckpointReady& ready) {
  const auto entry = jobs_.find(job);
  if (entry == jobs_.end()) return;
  entry->second.checkpoint_stages["snapshot"]->Observe(OrZero(ready.snapshot_s));
  entry->second.checkpoint_stages["upload"]->Observe(OrZero(ready.upload_s));
  entry->second.stall->Increment(OrZero(ready.stall_s));
}

void TrainMetrics::Committed(const std::string& job, double seconds, double at) {
  const auto entry = jobs_.find(job);
  if (entry == jobs_.end()) return;
  entry->second.checkpoint_stages["commit"]->Observe(OrZero(seconds));
  entry->second.last_commit->Set(at);
}

void TrainMetrics::CheckpointFailed(const std::string& job, const std::string& reason) {
  const auto entry = jobs_.find(job);
  if (entry != jobs_.end()) entry->second.checkpoint_failures[reason]->Increment();
}

void TrainMetrics::CheckpointPaused(const std::string& job, bool paused) {
  if (jobs_.contains(job)) metrics_->Gauge(metric::kCheckpointPaused, {{"job", job}}).Set(paused);
}

void TrainMetrics::LogDropped(const std::string& job, int64_t total) {
  const auto entry = jobs_.find(job);
  if (entry == jobs_.end() || total == entry->second.log_dropped_seen) return;
  entry->second.log_dropped->Increment(Advance(total, &entry->second.log_dropped_seen, total));
}

void TrainMetrics::End(const std::string& job, SteadyTime now) {
  const auto entry = jobs_.find(job);
  if (entry == jobs_.end()) return;
  entry->second.running = false;
  entry->second.ended = now;
}

void TrainMetrics::Sweep(SteadyTime now) {
  std::erase_if(jobs_, [&](const auto& entry) {
    const bool over = !entry.second.running && now - entry.second.ended > series_kept_;
    if (over) metrics_->Forget("job", entry.first);
    return over;
  });
}

}  // namespace ocellus::agent
