// The series of /metrics that show training: made at 0 when a job's gang starts here, removed
// some minutes after it has ended.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coordinator/base/metrics.h"
#include "worker/agent/limits.h"
#include "worker/wire/event.h"

namespace ocellus::agent {

// Used by one thread. Counters count what was done here, so steps that a restart repeats count
// again; they go on over generations of a job, not over agent processes.
class TrainMetrics {
 public:
  TrainMetrics(coordinator::Metrics* metrics, const Limits& limits)
      : metrics_(metrics), series_kept_(limits.series_kept) {}

  // `ranks`: those of this node.
  void Start(const std::string& job, const std::vector<int>& ranks);
  void Step(const std::string& job, int rank, const wire::Step& step, double at);
  void Value(const std::string& job, const wire::Metric& value);
  void CheckpointReady(const std::string& job, const wire::CheckpointReady& ready);
  void Committed(const std::string& job, double seconds, double at);
  // `reason`: "upload", "commit", or "left_out": none was taken, since the one before is written.
  void CheckpointPaused(const std::string& job, bool paused);
  void CheckpointFailed(const std::string& job, const std::string& reason);
  // `total`: lines dropped by the gang so far.
  void LogDropped(const std::string& job, int64_t total);
  void End(const std::string& job, SteadyTime now);
  // Removes what ended long enough ago.
  void Sweep(SteadyTime now);

 private:
  struct RankSeries {
    prometheus::Gauge* last_progress;
    prometheus::Counter* collective_wait;
    prometheus::Counter* data_wait;
    prometheus::Gauge* straggler;
    double own_s = 0;  // of the last step, without waiting for the others
  };
  struct JobSeries {
    prometheus::Gauge* step;
    prometheus::Gauge* loss;
    prometheus::Gauge* images_per_second;
    prometheus::Counter* samples;
    prometheus::Counter* skipped;
    prometheus::Counter* stall;
    prometheus::Counter* log_dropped;
    prometheus::Gauge* last_commit;
    std::map<std::string, prometheus::Histogram*> step_phases;
    std::map<std::string, prometheus::Histogram*> checkpoint_stages;
    std::map<std::string, prometheus::Counter*> checkpoint_failures;
    std::map<int, RankSeries> ranks;
    // Totals as last reported, of which counters take the differences; negative: not yet.
    int64_t samples_seen = -1;
    int64_t skipped_seen = -1;
    int64_t log_dropped_seen = 0;
    bool running = false;
    SteadyTime ended{};
  };

  JobSeries Make(const std::string& job);
  RankSeries MakeRank(const std::string& job, int rank);
  void CountTotals(const wire::Step& step, JobSeries* series);
  void CompareRanks(JobSeries* series);

  coordinator::Metrics* metrics_;
  Millis series_kept_;
  std::map<std::string, JobSeries> jobs_;
};

}  // namespace ocellus::agent
