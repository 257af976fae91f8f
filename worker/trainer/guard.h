// Counts the steps that were refused because a number was not finite, and says when it is enough.
#pragma once

#include <cstdint>

#include "worker/trainer/settings.h"

namespace ocellus::trainer {

class Guard {
 public:
  // `skipped`: so far in the job, from the checkpoint.
  Guard(const GuardSettings& settings, int64_t skipped) : settings_(settings), skipped_(skipped) {}

  // A step was refused. Throws wire::Fault (user, NON_FINITE_LOSS) with `on_nan: fail`, and when
  // more than `max_skipped` were refused.
  void Refused(int64_t step, double loss, double grad_norm);

  int64_t skipped() const { return skipped_; }

 private:
  GuardSettings settings_;
  int64_t skipped_;
};

}  // namespace ocellus::trainer
