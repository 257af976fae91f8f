#include "coordinator/client/call.h"

#include <algorithm>

#include "absl/random/random.h"
#include "absl/time/clock.h"
#include "coordinator/base/error.h"

namespace ocellus::coordinator {
namespace {

constexpr absl::Duration kFirstWait = absl::Milliseconds(100);
constexpr absl::Duration kLongestWait = absl::Seconds(2);
constexpr double kJitter = 0.2;

}  // namespace

absl::Status CallWithPolicy(const CallPolicy& policy,
                            const std::function<grpc::Status(grpc::ClientContext*)>& attempt) {
  const absl::Time start = absl::Now();
  const absl::Time end = start + policy.timeout;
  const absl::Time retry_end = start + std::min(policy.retry_for, policy.timeout);
  absl::BitGen random;
  bool told = false;
  for (absl::Duration wait = kFirstWait;; wait = std::min(2 * wait, kLongestWait)) {
    grpc::ClientContext context;
    Prepare(&context, end - absl::Now());
    absl::Status status = FromGrpc(attempt(&context));
    const absl::Duration pause = wait * absl::Uniform(random, 1 - kJitter, 1 + kJitter);
    // A call that came too often was not begun.
    const bool too_often = ReasonOf(status) == v1::ERROR_REASON_RATE_LIMITED;
    const bool again = (absl::IsUnavailable(status) && absl::Now() + pause < retry_end) ||
                       (too_often && absl::Now() + pause < end);
    if (!again) {
      return status;
    }
    if (policy.on_retry && !told) {
      policy.on_retry(status);
      told = true;
    }
    absl::SleepFor(pause);
  }
}

}  // namespace ocellus::coordinator
