// How long steps take, and how much of that was waiting.
#pragma once

#include <chrono>
#include <deque>

namespace ocellus::trainer {

class StepClock {
 public:
  // A step begins now; what lay before (a snapshot, an evaluation) belongs to none. The arguments
  // are the running totals of waiting, in seconds.
  void Restart(double data_wait_total, double collective_wait_total);
  // A step has ended, and the next begins.
  void Tick(double data_wait_total, double collective_wait_total);

  // Of the last step.
  double step_seconds() const { return step_seconds_; }
  double data_wait_seconds() const { return data_wait_seconds_; }
  double collective_wait_seconds() const { return collective_wait_seconds_; }
  // Over the last steps.
  double steps_per_second() const;

  // True at most about every half second: for ranks that need not tell of every step.
  bool QuietForLong();

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point begin_{};
  Clock::time_point told_{};
  double data_wait_total_ = 0, collective_wait_total_ = 0;
  double step_seconds_ = 0, data_wait_seconds_ = 0, collective_wait_seconds_ = 0;
  std::deque<double> recent_;  // seconds of the last steps
  double recent_sum_ = 0;
};

}  // namespace ocellus::trainer
