// Turns a gang's wire events into what the coordinator, the metrics and people want to hear.
#pragma once

#include <map>
#include <string>

#include "ocellus/v1/worker.pb.h"
#include "worker/agent/courier.h"
#include "worker/agent/train_metrics.h"
#include "worker/wire/event.h"

namespace ocellus::agent {

// Used by one thread. Courier and metrics must outlive it.
class EventRelay {
 public:
  EventRelay(v1::GangRef gang, Courier* courier, TrainMetrics* metrics);

  void Handle(int rank, const wire::Event& event);
  // A line in the job's history.
  void Warn(int rank, const std::string& text);
  // The coordinator answered to a commit that took `seconds`.
  void Settled(const wire::CheckpointResult& result, double seconds);
  // The largest step that any rank finished.
  int64_t step() const { return step_; }

 private:
  struct RankView {
    v1::Progress progress;
    double step_s = 0;  // running mean
  };

  void On(int rank, const wire::Event& event, const std::monostate&) {}
  void On(int rank, const wire::Event& event, const wire::Hello& hello);
  void On(int rank, const wire::Event& event, const wire::Phase& phase);
  void On(int rank, const wire::Event& event, const wire::Step& step);
  void On(int rank, const wire::Event& event, const wire::Restored& restored);
  void On(int rank, const wire::Event& event, const wire::Damaged& damaged);
  void On(int rank, const wire::Event& event, const wire::CheckpointBegin& begin);
  void On(int rank, const wire::Event& event, const wire::CheckpointReady& ready);
  void On(int rank, const wire::Event& event, const wire::CheckpointFailed& failed);
  void On(int rank, const wire::Event& event, const wire::CheckpointPause& pause);
  void On(int rank, const wire::Event& event, const wire::Artifact& artifact);
  void On(int rank, const wire::Event& event, const wire::Metric& metric);
  void On(int rank, const wire::Event& event, const wire::Alarm& alarm);
  void On(int rank, const wire::Event& event, const wire::Log&) {}
  void On(int rank, const wire::Event& event, const wire::StopAck& ack);
  void On(int rank, const wire::Event& event, const wire::ExitRecord&) {}

  const v1::GangRef gang_;
  Courier* const courier_;
  TrainMetrics* const metrics_;
  std::map<int, RankView> ranks_;
  int64_t step_ = 0;
  int64_t refused_step_ = -1;  // whose failure is counted already
};

}  // namespace ocellus::agent
