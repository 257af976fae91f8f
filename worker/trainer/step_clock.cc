#include "worker/trainer/step_clock.h"

namespace ocellus::trainer {
namespace {

constexpr size_t kRecentSteps = 20;
constexpr std::chrono::milliseconds kTellEvery{500};

}  // namespace

void StepClock::Restart(double data_wait_total, double collective_wait_total) {
  begin_ = Clock::now();
  data_wait_total_ = data_wait_total;
  collective_wait_total_ = collective_wait_total;
}

void StepClock::Tick(double data_wait_total, double collective_wait_total) {
  step_seconds_ = std::chrono::duration<double>(Clock::now() - begin_).count();
  data_wait_seconds_ = data_wait_total - data_wait_total_;
  collective_wait_seconds_ = collective_wait_total - collective_wait_total_;
  recent_.push_back(step_seconds_);
  recent_sum_ += step_seconds_;
  if (recent_.size() > kRecentSteps) {
    recent_sum_ -= recent_.front();
    recent_.pop_front();
  }
  Restart(data_wait_total, collective_wait_total);
}

double StepClock::steps_per_second() const {
  return recent_sum_ > 0 ? static_cast<double>(recent_.size()) / recent_sum_ : 0;
}

bool StepClock::QuietForLong() {
  const auto now = Clock::now();
  if (now - told_ < kTellEvery) return false;
  told_ = now;
  return true;
}

}  // namespace ocellus::trainer
