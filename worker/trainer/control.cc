#include "worker/trainer/control.h"

namespace ocellus::trainer {
namespace {

template <typename T>
std::optional<T> TakeFrom(std::deque<T>& queue) {
  if (queue.empty()) return std::nullopt;
  T first = std::move(queue.front());
  queue.pop_front();
  return first;
}

}  // namespace

int64_t Control::RequestStop(const wire::Stop& stop) {
  const std::lock_guard lock(mutex_);
  if (!stop_) stop_ = stop;
  return step_;
}

std::optional<wire::Stop> Control::stop() const {
  const std::lock_guard lock(mutex_);
  return stop_;
}

void Control::EnterStep(int64_t step) {
  const std::lock_guard lock(mutex_);
  step_ = step;
}

void Control::FinishStep(int64_t step) {
  const std::lock_guard lock(mutex_);
  finished_ = step;
}

int64_t Control::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

void Control::Deliver(const wire::CheckpointGrant& grant) {
  const std::lock_guard lock(mutex_);
  grants_.push_back(grant);
  mail_.notify_all();
}

void Control::Deliver(const wire::CheckpointResult& result) {
  const std::lock_guard lock(mutex_);
  results_.push_back(result);
  mail_.notify_all();
}

std::optional<wire::CheckpointGrant> Control::TakeGrant() {
  const std::lock_guard lock(mutex_);
  return TakeFrom(grants_);
}

std::optional<wire::CheckpointResult> Control::TakeResult() {
  const std::lock_guard lock(mutex_);
  return TakeFrom(results_);
}

void Control::WaitForMail(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  mail_.wait_for(lock, limit, [this] { return !grants_.empty() || !results_.empty(); });
}

}  // namespace ocellus::trainer
