#include "coordinator/job/verdict.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "coordinator/job/transitions.h"

namespace ocellus::coordinator {
namespace {

bool IsCleanEnd(const RankEnd& end) {
  return end.outcome == kSucceeded || end.outcome == kStoppedAt;
}

bool IsConsequence(const RankEnd& end) {
  return end.outcome == kPeerLost || end.outcome == kKilled;
}

bool AllEnded(const GangEnd& end, const char* outcome) {
  return std::all_of(end.ranks.begin(), end.ranks.end(),
                     [&](const RankEnd& rank) { return rank.outcome == outcome; });
}

int64_t LastStep(const GangEnd& end) {
  int64_t step = 0;
  for (const RankEnd& rank : end.ranks) {
    step = std::max(step, rank.step);
  }
  return step;
}

Verdict Final(v1::JobState state, v1::JobReason reason, const std::string& message,
              const GangEnd& end) {
  Verdict verdict;
  verdict.state = state;
  verdict.reason = reason;
  verdict.message = message;
  verdict.budget = end.budget;
  return verdict;
}

std::string Where(int64_t committed_step) {
  return committed_step > 0 ? absl::StrCat("from step ", committed_step) : "from the start";
}

std::string Describe(const v1::Failure& failure) {
  std::string text = absl::StrCat("rank ", failure.rank(), " on ", failure.node(), ": ");
  if (!failure.signal().empty()) {
    absl::StrAppend(&text, failure.signal(), " ");
  }
  absl::StrAppend(&text, failure.message(), " (", ShortName(failure.failure_class()), ")");
  return text;
}

v1::FailureClass ClassOf(const GangEnd& end, const RankEnd& root) {
  switch (end.cause) {
    case v1::JOB_REASON_HANG:
    case v1::JOB_REASON_START_TIMEOUT:
      return v1::FAILURE_CLASS_HANG;
    case v1::JOB_REASON_LEASE_LOST:
      return v1::FAILURE_CLASS_INFRA_NODE;
    default:
      break;
  }
  if (root.outcome == kStoppedAt) {
    return v1::FAILURE_CLASS_COORDINATOR;
  }
  if (root.outcome == kSucceeded) {
    return v1::FAILURE_CLASS_STORAGE;  // ended well, but its last checkpoint is not committed
  }
  return root.failure.failure_class() == v1::FAILURE_CLASS_UNSPECIFIED
             ? v1::FAILURE_CLASS_UNKNOWN
             : root.failure.failure_class();
}

// What is shown to people about the root cause.
v1::Failure Report(const GangEnd& end, const RankEnd& root, v1::FailureClass failure_class) {
  v1::Failure failure = root.failure;
  failure.set_failure_class(failure_class);
  failure.set_generation(end.generation);
  if (end.cause == v1::JOB_REASON_HANG) {
    failure.set_message("no step for too long; the gang was killed");
    failure.set_hint(
        "`ocellus job logs` ends with each rank's stacks; if the storage or a step is this slow, "
        "say so");
  } else if (end.cause == v1::JOB_REASON_START_TIMEOUT) {
    failure.set_message("not every rank finished a first step before the start deadline");
    failure.set_hint("`ocellus job logs` ends with each rank's stacks");
  } else if (root.outcome == kSucceeded) {
    failure.set_message(absl::StrCat("training ended at step ", root.step,
                                     ", but its last checkpoint did not commit"));
    failure.set_hint("check space and permissions of the object store");
  } else if (failure.message().empty()) {
    failure.set_message(root.outcome);
  }
  return failure;
}

// Charges the failure; true when the job may go on.
bool Charge(const GangEnd& end, v1::FailureClass failure_class, Verdict* verdict) {
  Budget& budget = verdict->budget;
  if (failure_class == v1::FAILURE_CLASS_USER) {
    if (++budget.user_failures > end.retry.user_retries()) {
      verdict->state = v1::JOB_STATE_FAILED;
      verdict->reason = v1::JOB_REASON_USER_ERROR;
      return false;
    }
  } else if (failure_class == v1::FAILURE_CLASS_UNKNOWN) {
    if (++budget.unknown_failures > end.retry.unknown_retries()) {
      verdict->state = v1::JOB_STATE_HELD;
      verdict->reason = v1::JOB_REASON_RETRIES_EXHAUSTED;
      absl::StrAppend(&verdict->message, "; no retries left. Resume it with `ocellus job resume`");
      return false;
    }
  }
  const bool counted =
      failure_class != v1::FAILURE_CLASS_STORAGE && failure_class != v1::FAILURE_CLASS_COORDINATOR;
  if (counted && !end.committed_newer && ++budget.fruitless >= kFruitlessGenerationsMax) {
    verdict->state = v1::JOB_STATE_HELD;
    verdict->reason = v1::JOB_REASON_NO_PROGRESS;
    absl::StrAppend(&verdict->message, "; ", budget.fruitless,
                    " gangs in a row failed without a newer checkpoint. Find out why (`ocellus job "
                    "logs`), then `ocellus job resume`");
    return false;
  }
  return true;
}

// A rank that died, of a gang that got on: its state still lies in the agent's memory, and waiting
// would cost more than trying. One that dies again and again before a step waits as always.
bool RestartsAtOnce(const GangEnd& end, v1::FailureClass failure_class) {
  return end.memory_copy && failure_class == v1::FAILURE_CLASS_INFRA_PROCESS &&
         LastStep(end) > end.restored_step;
}

}  // namespace

const RankEnd& RootCause(const std::vector<RankEnd>& ranks) {
  const auto weight = [](const RankEnd& end) {
    return IsCleanEnd(end) ? 2 : IsConsequence(end) ? 1 : 0;
  };
  // The first of the smallest weight: the list is ordered by time.
  return *std::min_element(ranks.begin(), ranks.end(), [&](const RankEnd& a, const RankEnd& b) {
    return weight(a) < weight(b);
  });
}

absl::Duration Backoff(absl::Duration base, int failures, const std::string& job_id,
                       int64_t generation) {
  const int doublings = std::clamp(failures - 1, 0, 20);
  const absl::Duration delay = std::min(base * (int64_t{1} << doublings), kBackoffMax);
  // FNV-1a: the same job and generation wait the same time in every run.
  uint64_t hash = 14695981039346656037u;
  for (unsigned char c : absl::StrCat(job_id, "/", generation)) {
    hash = (hash ^ c) * 1099511628211u;
  }
  const double share = static_cast<double>(hash >> 11) / static_cast<double>(1ull << 53);
  return delay * (0.8 + 0.4 * share);
}

Verdict Judge(const GangEnd& end) {
  if (end.cause == v1::JOB_REASON_CANCEL) {
    return Final(v1::JOB_STATE_CANCELLED, v1::JOB_REASON_USER_CANCELLED, "cancelled", end);
  }
  const int64_t last_step = LastStep(end);
  if (AllEnded(end, kSucceeded) && end.committed_step >= last_step) {
    return Final(v1::JOB_STATE_SUCCEEDED, v1::JOB_REASON_COMPLETED,
                 absl::StrCat("finished at step ", last_step), end);
  }
  if (end.cause == v1::JOB_REASON_HOLD) {
    Verdict held =
        Final(v1::JOB_STATE_HELD, v1::JOB_REASON_HOLD,
              absl::StrCat("held by a person; goes on ", Where(end.committed_step)), end);
    held.budget = Budget{};
    return held;
  }
  const RankEnd& root = RootCause(end.ranks);
  Verdict verdict;
  verdict.failure_class = ClassOf(end, root);
  verdict.budget = end.budget;
  if (end.committed_newer) {
    verdict.budget.fruitless = 0;
    verdict.budget.failures_since_commit = 0;
  }
  if (verdict.failure_class == v1::FAILURE_CLASS_COORDINATOR) {
    verdict.message = absl::StrCat("stopped by its node; goes on ", Where(end.committed_step));
    return verdict;
  }
  verdict.failure = Report(end, root, verdict.failure_class);
  verdict.message = Describe(*verdict.failure);
  if (root.outcome == kNoCheckpointLeft) {
    verdict.state = v1::JOB_STATE_HELD;
    verdict.reason = v1::JOB_REASON_NO_CHECKPOINT_LEFT;
    return verdict;
  }
  if (Charge(end, verdict.failure_class, &verdict)) {
    if (RestartsAtOnce(end, verdict.failure_class)) {
      absl::StrAppend(&verdict.message, "; goes on at once from its copy in memory, or ",
                      Where(end.committed_step));
      return verdict;
    }
    verdict.reason = v1::JOB_REASON_BACKOFF;
    verdict.backoff = Backoff(end.backoff_base, ++verdict.budget.failures_since_commit, end.job_id,
                              end.generation);
    absl::StrAppend(&verdict.message, "; goes on ", Where(end.committed_step));
  }
  return verdict;
}

}  // namespace ocellus::coordinator
