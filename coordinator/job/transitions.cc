#include "coordinator/job/transitions.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coordinator/base/error.h"

namespace ocellus::coordinator {
namespace {

struct Step {
  v1::JobState from;
  v1::JobState to;
};

constexpr std::array kSteps = {
    Step{v1::JOB_STATE_UNSPECIFIED, v1::JOB_STATE_PENDING},
    Step{v1::JOB_STATE_PENDING, v1::JOB_STATE_PENDING},  // another reason
    Step{v1::JOB_STATE_PENDING, v1::JOB_STATE_STARTING},
    Step{v1::JOB_STATE_PENDING, v1::JOB_STATE_HELD},
    Step{v1::JOB_STATE_PENDING, v1::JOB_STATE_CANCELLED},
    Step{v1::JOB_STATE_STARTING, v1::JOB_STATE_RUNNING},
    Step{v1::JOB_STATE_STARTING, v1::JOB_STATE_STOPPING},
    Step{v1::JOB_STATE_RUNNING, v1::JOB_STATE_STOPPING},
    Step{v1::JOB_STATE_STOPPING, v1::JOB_STATE_STOPPING},  // a graver cause
    Step{v1::JOB_STATE_STOPPING, v1::JOB_STATE_PENDING},
    Step{v1::JOB_STATE_STOPPING, v1::JOB_STATE_HELD},
    Step{v1::JOB_STATE_STOPPING, v1::JOB_STATE_SUCCEEDED},
    Step{v1::JOB_STATE_STOPPING, v1::JOB_STATE_FAILED},
    Step{v1::JOB_STATE_STOPPING, v1::JOB_STATE_CANCELLED},
    Step{v1::JOB_STATE_HELD, v1::JOB_STATE_PENDING},
    Step{v1::JOB_STATE_HELD, v1::JOB_STATE_CANCELLED},
};

// How grave a cause of STOPPING is; a stop under way takes only a graver one.
int Gravity(v1::JobReason cause) {
  switch (cause) {
    case v1::JOB_REASON_CANCEL:
      return 4;
    case v1::JOB_REASON_FAULT:
    case v1::JOB_REASON_LEASE_LOST:
      return 3;
    case v1::JOB_REASON_HANG:
    case v1::JOB_REASON_START_TIMEOUT:
      return 2;
    case v1::JOB_REASON_HOLD:
      return 1;
    default:
      return 0;
  }
}

template <typename Descriptor>
std::string Shorten(const Descriptor* descriptor, int number, const char* prefix) {
  const auto* value = descriptor->FindValueByNumber(number);
  return value == nullptr ? absl::StrCat(number)
                          : absl::AsciiStrToLower(absl::StripPrefix(value->name(), prefix));
}

}  // namespace

bool IsTerminal(v1::JobState state) {
  return state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
         state == v1::JOB_STATE_CANCELLED;
}

bool HasGang(v1::JobState state) {
  return state == v1::JOB_STATE_STARTING || state == v1::JOB_STATE_RUNNING ||
         state == v1::JOB_STATE_STOPPING;
}

absl::Status CheckTransition(v1::JobState from, v1::JobReason cause, v1::JobState to,
                             v1::JobReason reason) {
  const bool known = std::any_of(kSteps.begin(), kSteps.end(), [&](const Step& step) {
    return step.from == from && step.to == to;
  });
  const bool graver = !(from == v1::JOB_STATE_STOPPING && to == v1::JOB_STATE_STOPPING) ||
                      Gravity(reason) > Gravity(cause);
  if (known && graver) {
    return absl::OkStatus();
  }
  std::string message = absl::StrCat("a job that is ", ShortName(from));
  if (IsTerminal(from)) {
    absl::StrAppend(&message, " has ended for good; submit it again");
  } else if (from == to) {
    absl::StrAppend(&message, " (", ShortName(cause), ") does not take ", ShortName(reason));
  } else {
    absl::StrAppend(&message, " cannot become ", ShortName(to));
  }
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_WRONG_STATE, message,
               {{"state", ShortName(from)}});
}

std::string ShortName(v1::JobState state) {
  return Shorten(v1::JobState_descriptor(), state, "JOB_STATE_");
}
std::string ShortName(v1::JobReason reason) {
  return Shorten(v1::JobReason_descriptor(), reason, "JOB_REASON_");
}
std::string ShortName(v1::FailureClass failure_class) {
  return Shorten(v1::FailureClass_descriptor(), failure_class, "FAILURE_CLASS_");
}
std::string ShortName(v1::NodeState state) {
  return Shorten(v1::NodeState_descriptor(), state, "NODE_STATE_");
}

}  // namespace ocellus::coordinator
