#include "worker/trainer/guard.h"

#include <string>

#include "worker/wire/fault.h"

namespace ocellus::trainer {

void Guard::Refused(int64_t step, double loss, double grad_norm) {
  ++skipped_;
  const bool too_many = skipped_ > settings_.max_skipped;
  if (!settings_.fail_on_nan && !too_many) return;
  std::string message = "step " + std::to_string(step) + " has loss " + std::to_string(loss) +
                        " and gradient norm " + std::to_string(grad_norm);
  if (too_many && !settings_.fail_on_nan) {
    message += "; " + std::to_string(skipped_) + " steps were skipped, guard.max_skipped is " +
               std::to_string(settings_.max_skipped);
  }
  throw wire::Fault(wire::FaultClass::kUser, "NON_FINITE_LOSS", message,
                    "lower the learning rate, lengthen the warm-up, or set guard.clip_norm");
}

}  // namespace ocellus::trainer
