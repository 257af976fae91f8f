#include "coordinator/control/gang_end.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/transitions.h"
#include "coordinator/state/checkpoint_care.h"
#include "coordinator/state/checkpoints.h"
#include "coordinator/state/events.h"

namespace ocellus::coordinator {
namespace {

int64_t LastStep(const GangEnd& end, const LiveGang* live) {
  int64_t step = live == nullptr ? 0 : live->step;
  for (const RankEnd& rank : end.ranks) {
    step = std::max(step, rank.step);
  }
  return step;
}

double ProductiveSeconds(const LiveGang* live) {
  return live == nullptr || live->step == 0
             ? 0
             : absl::ToDoubleSeconds(live->step_at - live->first_heard);
}

absl::StatusOr<GangEnd> Gather(Database& db, const GangRow& gang, const JobRow& job,
                               absl::Duration backoff_base) {
  GangEnd end;
  end.job_id = gang.job_id;
  end.generation = gang.generation;
  end.cause = job.reason;
  end.ranks = gang.ends();
  OCELLUS_ASSIGN_OR_RETURN(end.committed_step, CommittedStep(db, gang.job_id));
  OCELLUS_ASSIGN_OR_RETURN(end.committed_newer, HasCommitted(db, gang.job_id, gang.generation));
  OCELLUS_ASSIGN_OR_RETURN(const Origin origin, OriginOf(db, gang.job_id, gang.generation));
  end.restored_step = origin.step;
  end.memory_copy = job.spec.checkpoint().memory_copy();
  end.retry = job.spec.retry();
  end.budget = job.budget;
  end.backoff_base = backoff_base;
  return end;
}

// By itself, not by somebody's order: an error, a refused number, a crash.
bool FailedByItself(const v1::Failure& failure) {
  static const std::set<std::string> kCrashes = {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE",
                                                 "SIGILL"};
  const bool by_class = failure.failure_class() == v1::FAILURE_CLASS_USER ||
                        failure.failure_class() == v1::FAILURE_CLASS_UNKNOWN ||
                        failure.failure_class() == v1::FAILURE_CLASS_INFRA_PROCESS;
  return by_class && (failure.exit_code() != 0 || kCrashes.contains(failure.signal()));
}

// A gang that fails by itself soon after its start casts doubt on what it started from.
absl::Status JudgeOrigin(Database& db, const GangEnd& end, const Verdict& verdict,
                         int64_t last_step, absl::Time now) {
  OCELLUS_ASSIGN_OR_RETURN(const Origin origin, OriginOf(db, end.job_id, end.generation));
  const bool soon = last_step <= origin.step + kBadRestartSteps && !end.committed_newer;
  if (origin.uri.empty() || !soon || !verdict.failure || !FailedByItself(*verdict.failure)) {
    return absl::OkStatus();
  }
  return CountBadRestart(db, end.job_id, origin.uri, now);
}

}  // namespace

absl::StatusOr<GangOutcome> EndGang(Store* store, const GangRow& gang, const LiveGang* live,
                                    const Clock& clock, absl::Duration backoff_base) {
  GangOutcome outcome;
  OCELLUS_RETURN_IF_ERROR(store->Write("end_gang", [&](Database& db) -> absl::Status {
    const absl::Time now = clock.Now();
    OCELLUS_ASSIGN_OR_RETURN(JobRow job, ReadJob(db, gang.job_id));
    OCELLUS_RETURN_IF_ERROR(CheckCurrent(db, gang.job_id, gang.generation));
    OCELLUS_ASSIGN_OR_RETURN(const GangEnd end, Gather(db, gang, job, backoff_base));
    const Verdict verdict = Judge(end);
    const int64_t last_step = LastStep(end, live);
    OCELLUS_RETURN_IF_ERROR(JudgeOrigin(db, end, verdict, last_step, now));
    outcome.lost_steps = std::max<int64_t>(0, last_step - end.committed_step);
    OCELLUS_RETURN_IF_ERROR(EndGeneration(
        db, gang.job_id, gang.generation,
        {ShortName(verdict.state), verdict.failure_class, last_step, ProductiveSeconds(live)},
        now));
    job.budget = verdict.budget;
    if (verdict.failure.has_value()) {
      job.last_failure = verdict.failure;
    }
    job.backoff_until =
        verdict.backoff > absl::ZeroDuration() ? now + verdict.backoff : absl::InfinitePast();
    std::string message = verdict.message;
    if (verdict.failure.has_value() && outcome.lost_steps > 0) {
      absl::StrAppend(&message, end.memory_copy ? "; at most " : "; ", outcome.lost_steps,
                      " steps lost");
    }
    OCELLUS_RETURN_IF_ERROR(
        ChangeState(db, &job, {verdict.state, verdict.reason, message, "monitor"}, now));
    outcome.job = job;
    outcome.verdict = verdict;
    return absl::OkStatus();
  }));
  Log(LogSeverity::kInfo, "gang_ended",
      {{"job", gang.job_id},
       {"generation", gang.generation},
       {"state", ShortName(outcome.verdict.state)},
       {"reason", ShortName(outcome.verdict.reason)},
       {"message", outcome.job.message}});
  return outcome;
}

absl::Status EndRank(Store* store, const GangRow& gang, const RankRow& rank, const char* outcome,
                     v1::FailureClass failure_class, const std::string& message,
                     const Clock& clock) {
  const absl::Time now = clock.Now();
  RankEnd end;
  end.outcome = outcome;
  end.failure.set_failure_class(failure_class);
  end.failure.set_node(rank.node);
  end.failure.set_rank(rank.rank);
  end.failure.set_message(message);
  end.failure.set_generation(gang.generation);
  *end.failure.mutable_at() = ToProto(now);
  return store->Write("end_rank", [&](Database& db) {
    return RecordRankEnd(db, gang.job_id, gang.generation, rank.rank, end, now);
  });
}

}  // namespace ocellus::coordinator
