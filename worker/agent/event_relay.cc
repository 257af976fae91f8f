#include "worker/agent/event_relay.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "coordinator/base/log.h"
#include "coordinator/base/utf8.h"

namespace ocellus::agent {
namespace {

// Weight of the newest step in the running mean of step times, of which the ETA is made.
constexpr double kNewest = 0.1;
constexpr size_t kWarningBytesMax = 4096;

// Wire events come as doubles.
template <typename Message>
void SetSeconds(double seconds, Message* out) {
  out->set_seconds(static_cast<int64_t>(std::floor(seconds)));
  out->set_nanos(static_cast<int32_t>((seconds - std::floor(seconds)) * 1e9));
}

v1::GangEvent EventOf(int rank, double at) {
  v1::GangEvent event;
  event.set_rank(rank);
  SetSeconds(at, event.mutable_at());
  return event;
}

}  // namespace

EventRelay::EventRelay(v1::GangRef gang, Courier* courier, TrainMetrics* metrics)
    : gang_(std::move(gang)), courier_(courier), metrics_(metrics) {}

void EventRelay::Handle(int rank, const wire::Event& event) {
  std::visit([&](const auto& body) { On(rank, event, body); }, event.body);
}

void EventRelay::Warn(int rank, const std::string& text) {
  v1::GangEvent event;
  event.set_rank(rank);
  event.mutable_warning()->set_text(std::string(coordinator::CutUtf8(text, kWarningBytesMax)));
  courier_->Add(std::move(event));
}

void EventRelay::Settled(const wire::CheckpointResult& result, double seconds) {
  if (result.committed) {
    metrics_->Committed(gang_.job_id(), seconds,
                        absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()));
    return;
  }
  // Rank 0 hears it too, and tells it as checkpoint_failed.
  refused_step_ = result.step;
  metrics_->CheckpointFailed(gang_.job_id(), "commit");
  coordinator::Log(coordinator::LogSeverity::kWarning, "checkpoint_refused",
                   {{"job", gang_.job_id()}, {"step", result.step}, {"reason", result.reason}});
}

void EventRelay::On(int rank, const wire::Event& event, const wire::Hello& hello) {
  coordinator::Log(coordinator::LogSeverity::kInfo, "rank_ready",
                   {{"job", gang_.job_id()},
                    {"generation", gang_.generation()},
                    {"rank", rank},
                    {"trainer", hello.trainer_version}});
}

void EventRelay::On(int rank, const wire::Event& event, const wire::Phase& phase) {
  v1::Progress& progress = ranks_[rank].progress;
  progress.set_phase(phase.phase);
  SetSeconds(event.at, progress.mutable_at());
  courier_->SetProgress(rank, progress, /*at_once=*/true);
}

void EventRelay::On(int rank, const wire::Event& event, const wire::Step& step) {
  RankView& view = ranks_[rank];
  view.step_s =
      view.step_s == 0 ? step.step_s : view.step_s + kNewest * (step.step_s - view.step_s);
  v1::Progress& progress = view.progress;
  progress.set_step(step.step);
  progress.set_total_steps(step.total_steps);
  progress.set_loss(step.loss);
  progress.set_images_per_second(step.images_per_s);
  if (step.chance_loss) progress.set_chance_loss(*step.chance_loss);
  progress.set_learning_rate(step.lr);
  const int64_t left = std::max<int64_t>(step.total_steps - step.step, 0);
  SetSeconds(static_cast<double>(left) * view.step_s, progress.mutable_eta());
  SetSeconds(event.at, progress.mutable_at());
  step_ = std::max(step_, step.step);
  metrics_->Step(gang_.job_id(), rank, step, event.at);
  courier_->SetProgress(rank, progress, /*at_once=*/false);
}

void EventRelay::On(int rank, const wire::Event& event, const wire::Restored& restored) {
  v1::GangEvent fact = EventOf(rank, event.at);
  fact.mutable_restored()->set_step(restored.step);
  fact.mutable_restored()->set_uri(restored.uri);
  step_ = std::max(step_, restored.step);
  courier_->Add(std::move(fact));
}

void EventRelay::On(int rank, const wire::Event& event, const wire::Damaged& damaged) {
  courier_->ReportDamage(damaged);
}

void EventRelay::On(int rank, const wire::Event& event, const wire::CheckpointBegin& begin) {
  courier_->BeginCheckpoint(begin.step);
}

void EventRelay::On(int rank, const wire::Event& event, const wire::CheckpointReady& ready) {
  metrics_->CheckpointReady(gang_.job_id(), ready);
  courier_->CommitCheckpoint(ready);
}

void EventRelay::On(int rank, const wire::Event& event, const wire::CheckpointFailed& failed) {
  if (failed.step != refused_step_) metrics_->CheckpointFailed(gang_.job_id(), "upload");
  Warn(rank, absl::StrCat("the checkpoint of step ", failed.step, " failed: ", failed.reason));
}

void EventRelay::On(int rank, const wire::Event& event, const wire::CheckpointPause& pause) {
  metrics_->CheckpointPaused(gang_.job_id(), pause.paused);
  Warn(rank, pause.paused
                 ? absl::StrCat("no checkpoint can be stored; training goes on: ", pause.reason)
                 : absl::StrCat("checkpoints are stored again, from step ", pause.step));
  v1::Progress& progress = ranks_[rank].progress;
  progress.set_checkpoint_trouble(
      std::string(coordinator::CutUtf8(pause.reason, kWarningBytesMax)));
  courier_->SetProgress(rank, progress, /*at_once=*/true);
}

void EventRelay::On(int rank, const wire::Event& event, const wire::Artifact& artifact) {
  v1::GangEvent fact = EventOf(rank, event.at);
  fact.mutable_artifact()->set_kind(artifact.kind);
  fact.mutable_artifact()->set_uri(artifact.uri);
  courier_->Add(std::move(fact));
}

void EventRelay::On(int rank, const wire::Event& event, const wire::Metric& metric) {
  metrics_->Value(gang_.job_id(), metric);
  // With the next step it is on its way.
  if (metric.name == "knn_accuracy") ranks_[rank].progress.set_knn_accuracy(metric.value);
  if (metric.name == "collapsed") ranks_[rank].progress.set_collapsed(metric.value != 0);
}

void EventRelay::On(int rank, const wire::Event& event, const wire::Alarm& alarm) {
  coordinator::Log(coordinator::LogSeverity::kWarning, "training_alarm",
                   {{"job", gang_.job_id()}, {"alarm", alarm.name}, {"step", alarm.step}});
  Warn(rank, alarm.text);
}

void EventRelay::On(int rank, const wire::Event& event, const wire::StopAck& ack) {
  v1::GangEvent fact = EventOf(rank, event.at);
  fact.mutable_stop_ack()->set_step(ack.step);
  courier_->Add(std::move(fact));
}

}  // namespace ocellus::agent
