#include "coordinator/job/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ocellus::coordinator {
namespace {

using testing::HasSubstr;

RankEnd End(const char* outcome, v1::FailureClass failure_class, int64_t step = 0, int rank = 0) {
  RankEnd end;
  end.outcome = outcome;
  end.step = step;
  end.failure.set_failure_class(failure_class);
  end.failure.set_rank(rank);
  end.failure.set_node("a");
  end.failure.set_message(outcome);
  return end;
}

GangEnd Gang(v1::JobReason cause, std::vector<RankEnd> ranks) {
  GangEnd end;
  end.job_id = "j-1";
  end.generation = 1;
  end.cause = cause;
  end.ranks = std::move(ranks);
  end.retry.set_unknown_retries(3);
  return end;
}

GangEnd Failed(v1::FailureClass failure_class) {
  return Gang(v1::JOB_REASON_FAULT, {End("DIED", failure_class), End(kKilled, failure_class)});
}

TEST(VerdictTest, SuccessNeedsTheFinalCommit) {
  GangEnd end =
      Gang(v1::JOB_REASON_FINISHING, {End(kSucceeded, v1::FAILURE_CLASS_UNSPECIFIED, 100),
                                      End(kSucceeded, v1::FAILURE_CLASS_UNSPECIFIED, 100)});
  end.committed_step = 100;
  EXPECT_EQ(Judge(end).state, v1::JOB_STATE_SUCCEEDED);
  end.committed_step = 50;
  const Verdict verdict = Judge(end);
  EXPECT_EQ(verdict.state, v1::JOB_STATE_PENDING);
  EXPECT_EQ(verdict.failure_class, v1::FAILURE_CLASS_STORAGE);
  EXPECT_THAT(verdict.message, HasSubstr("did not commit"));
}

TEST(VerdictTest, ACopyInMemorySparesTheWaitOfAGangThatGotOn) {
  GangEnd end = Failed(v1::FAILURE_CLASS_INFRA_PROCESS);
  end.restored_step = 50;
  end.ranks[0].step = 57;
  EXPECT_GT(Judge(end).backoff, absl::ZeroDuration());
  end.memory_copy = true;
  EXPECT_EQ(Judge(end).state, v1::JOB_STATE_PENDING);
  EXPECT_EQ(Judge(end).reason, v1::JOB_REASON_NEXT_CYCLE);
  EXPECT_EQ(Judge(end).backoff, absl::ZeroDuration());
  end.restored_step = 57;  // died again before a step
  EXPECT_GT(Judge(end).backoff, absl::ZeroDuration());
  end.budget.fruitless = kFruitlessGenerationsMax - 1;
  EXPECT_EQ(Judge(end).state, v1::JOB_STATE_HELD);
}

TEST(VerdictTest, CancelIsFinalWhateverTheRanksSay) {
  EXPECT_EQ(Judge(Gang(v1::JOB_REASON_CANCEL, {End("DIED", v1::FAILURE_CLASS_USER)})).state,
            v1::JOB_STATE_CANCELLED);
}

TEST(VerdictTest, HoldKeepsTheJobAndForgivesIt) {
  GangEnd end = Gang(v1::JOB_REASON_HOLD, {End(kStoppedAt, v1::FAILURE_CLASS_UNSPECIFIED, 40)});
  end.budget.fruitless = 2;
  const Verdict verdict = Judge(end);
  EXPECT_EQ(verdict.state, v1::JOB_STATE_HELD);
  EXPECT_EQ(verdict.reason, v1::JOB_REASON_HOLD);
  EXPECT_EQ(verdict.budget.fruitless, 0);
}

TEST(VerdictTest, UserFaultFailsAtOnceUnlessRetriesAreAllowed) {
  GangEnd end = Failed(v1::FAILURE_CLASS_USER);
  EXPECT_EQ(Judge(end).state, v1::JOB_STATE_FAILED);
  EXPECT_EQ(Judge(end).reason, v1::JOB_REASON_USER_ERROR);
  end.retry.set_user_retries(1);
  const Verdict first = Judge(end);
  EXPECT_EQ(first.state, v1::JOB_STATE_PENDING);
  end.budget = first.budget;
  EXPECT_EQ(Judge(end).state, v1::JOB_STATE_FAILED);
}

TEST(VerdictTest, UnknownFaultIsTriedThreeTimesThenHeld) {
  GangEnd end = Failed(v1::FAILURE_CLASS_UNKNOWN);
  end.committed_newer = true;  // so that the breaker does not speak first
  for (int i = 0; i < 3; ++i) {
    const Verdict verdict = Judge(end);
    EXPECT_EQ(verdict.state, v1::JOB_STATE_PENDING) << i;
    end.budget = verdict.budget;
  }
  EXPECT_EQ(Judge(end).state, v1::JOB_STATE_HELD);
  EXPECT_EQ(Judge(end).reason, v1::JOB_REASON_RETRIES_EXHAUSTED);
}

TEST(VerdictTest, BreakerHoldsAfterThreeFruitlessGenerations) {
  GangEnd end = Failed(v1::FAILURE_CLASS_INFRA_PROCESS);
  for (int i = 0; i < 2; ++i) {
    const Verdict verdict = Judge(end);
    EXPECT_EQ(verdict.state, v1::JOB_STATE_PENDING) << i;
    end.budget = verdict.budget;
  }
  EXPECT_EQ(Judge(end).state, v1::JOB_STATE_HELD);
  EXPECT_EQ(Judge(end).reason, v1::JOB_REASON_NO_PROGRESS);
  end.committed_newer = true;  // a commit starts the count anew
  EXPECT_EQ(Judge(end).state, v1::JOB_STATE_PENDING);
  EXPECT_EQ(Judge(end).budget.fruitless, 0);
}

TEST(VerdictTest, StorageIsNeverCharged) {
  GangEnd end = Failed(v1::FAILURE_CLASS_STORAGE);
  for (int i = 0; i < 10; ++i) {
    const Verdict verdict = Judge(end);
    ASSERT_EQ(verdict.state, v1::JOB_STATE_PENDING);
    ASSERT_EQ(verdict.reason, v1::JOB_REASON_BACKOFF);
    end.budget = verdict.budget;
  }
  EXPECT_EQ(end.budget.fruitless, 0);
}

TEST(VerdictTest, StopByTheNodeIsNobodysFault) {
  const Verdict verdict =
      Judge(Gang(v1::JOB_REASON_FINISHING, {End(kStoppedAt, v1::FAILURE_CLASS_UNSPECIFIED, 7)}));
  EXPECT_EQ(verdict.state, v1::JOB_STATE_PENDING);
  EXPECT_EQ(verdict.failure_class, v1::FAILURE_CLASS_COORDINATOR);
  EXPECT_EQ(verdict.backoff, absl::ZeroDuration());
  EXPECT_FALSE(verdict.failure.has_value());
}

TEST(VerdictTest, NothingToRestoreIsHeld) {
  const Verdict verdict =
      Judge(Gang(v1::JOB_REASON_FAULT, {End(kNoCheckpointLeft, v1::FAILURE_CLASS_STORAGE)}));
  EXPECT_EQ(verdict.state, v1::JOB_STATE_HELD);
  EXPECT_EQ(verdict.reason, v1::JOB_REASON_NO_CHECKPOINT_LEFT);
}

TEST(VerdictTest, CauseOfTheStopGivesTheClass) {
  const std::vector<RankEnd> killed = {End(kKilled, v1::FAILURE_CLASS_INFRA_PROCESS)};
  EXPECT_EQ(Judge(Gang(v1::JOB_REASON_HANG, killed)).failure_class, v1::FAILURE_CLASS_HANG);
  EXPECT_EQ(Judge(Gang(v1::JOB_REASON_START_TIMEOUT, killed)).failure_class,
            v1::FAILURE_CLASS_HANG);
  EXPECT_EQ(Judge(Gang(v1::JOB_REASON_LEASE_LOST, killed)).failure_class,
            v1::FAILURE_CLASS_INFRA_NODE);
  EXPECT_EQ(Judge(Gang(v1::JOB_REASON_FAULT, {End("NO_RECORD", v1::FAILURE_CLASS_UNSPECIFIED)}))
                .failure_class,
            v1::FAILURE_CLASS_UNKNOWN);
}

TEST(RootCauseTest, EarliestThatIsNoConsequence) {
  const std::vector<RankEnd> ranks = {End(kPeerLost, v1::FAILURE_CLASS_INFRA_PROCESS, 0, 0),
                                      End("DIED", v1::FAILURE_CLASS_INFRA_PROCESS, 0, 1),
                                      End("BAD_SPEC", v1::FAILURE_CLASS_USER, 0, 2),
                                      End(kKilled, v1::FAILURE_CLASS_INFRA_PROCESS, 0, 3)};
  EXPECT_EQ(RootCause(ranks).failure.rank(), 1);
  EXPECT_EQ(RootCause({ranks[3], ranks[0]}).failure.rank(), 3);
  EXPECT_EQ(
      RootCause({End(kSucceeded, v1::FAILURE_CLASS_UNSPECIFIED, 5, 9), ranks[0]}).failure.rank(),
      0);
}

TEST(BackoffTest, DoublesToALimitAndIsRepeatable) {
  const absl::Duration base = absl::Seconds(10);
  for (int failures = 1; failures < 30; ++failures) {
    const absl::Duration nominal =
        std::min(base * static_cast<double>(int64_t{1} << std::min(failures - 1, 20)), kBackoffMax);
    const absl::Duration backoff = Backoff(base, failures, "j-1", failures);
    EXPECT_GE(backoff, nominal * 0.8) << failures;
    EXPECT_LE(backoff, nominal * 1.2) << failures;
    EXPECT_EQ(backoff, Backoff(base, failures, "j-1", failures));
  }
  EXPECT_NE(Backoff(base, 1, "j-1", 1), Backoff(base, 1, "j-2", 1));
  EXPECT_EQ(Backoff(absl::ZeroDuration(), 5, "j-1", 1), absl::ZeroDuration());
}

}  // namespace
}  // namespace ocellus::coordinator
