// When to save: every so many steps, or as the measured stall and the fault rate say
// (checkpoint.interval: auto, worker/checkpoint/interval.h).
//
// Rank 0 measures and decides; the step's exchange of votes carries its wish, so that all ranks
// save after the same step. Nothing of it touches the numbers of the training.
#pragma once

#include <chrono>
#include <cstdint>

#include "worker/wire/document.h"

namespace ocellus::trainer {

class SavePlan {
 public:
  // `start`: finished steps. `decides`: on rank 0.
  SavePlan(const wire::CheckpointSettings& settings, int64_t start, bool decides)
      : settings_(settings), saved_at_(start), decides_(decides) {}

  // Rank 0's vote on saving after `step`. Always false with a fixed interval.
  bool Wishes(int64_t step) const;
  // Whether to save after `step`, given the ranks' vote.
  bool Due(int64_t step, bool voted) const;
  // It was saved; training stood `stall_s` for it.
  void Saved(int64_t step, double stall_s);

  // Chosen by Saved; 0 while nothing was measured. For people.
  double interval_s() const { return interval_s_; }

  // Whether a copy in memory is due after `step`; `saving`: a checkpoint is taken as well.
  bool MemoryDue(int64_t step, bool saving) const;

 private:
  using Clock = std::chrono::steady_clock;

  wire::CheckpointSettings settings_;
  int64_t saved_at_;  // step
  bool decides_;
  double interval_s_ = 0;
  Clock::time_point saved_time_ = Clock::now();
};

}  // namespace ocellus::trainer
