#include "worker/agent/rank_end.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace ocellus::agent {
namespace {

constexpr int Exited(int code) { return code << 8; }

RankDeath Death(int wait_status) {
  RankDeath death;
  death.rank = 1;
  death.wait_status = wait_status;
  death.last_step = 12;
  death.last_lines = {"a", "b"};
  return death;
}

TEST(JudgeRank, ARecordSaysItAll) {
  RankDeath death = Death(Exited(1));
  death.killed_by_us = true;
  death.record = {wire::FaultClass::kStorage, "STORE_FULL", "no space", "free some", 13};
  const v1::RankEnded ended = JudgeRank(death);
  EXPECT_EQ(ended.failure_class(), v1::FAILURE_CLASS_STORAGE);
  EXPECT_EQ(ended.outcome(), "STORE_FULL");
  EXPECT_EQ(ended.exit_code(), 1);
  EXPECT_EQ(ended.message(), "no space");
  EXPECT_EQ(ended.hint(), "free some");
  EXPECT_EQ(ended.step(), 13);
  EXPECT_EQ(ended.last_lines_size(), 2);
  EXPECT_FALSE(EndedWell(ended));
}

TEST(JudgeRank, SuccessIsNoClass) {
  RankDeath death = Death(Exited(0));
  death.record = {wire::FaultClass::kNone, "SUCCEEDED", "", "", 20};
  EXPECT_EQ(JudgeRank(death).failure_class(), v1::FAILURE_CLASS_UNSPECIFIED);
  EXPECT_TRUE(EndedWell(JudgeRank(death)));
}

TEST(JudgeRank, ASignalWithoutRecordIsTheProcesssFault) {
  for (const auto& [number, name] : {std::pair(SIGKILL, "SIGKILL"), std::pair(SIGSEGV, "SIGSEGV"),
                                     std::pair(SIGBUS, "SIGBUS"), std::pair(SIGABRT, "SIGABRT")}) {
    const v1::RankEnded ended = JudgeRank(Death(number));
    EXPECT_EQ(ended.failure_class(), v1::FAILURE_CLASS_INFRA_PROCESS);
    EXPECT_EQ(ended.outcome(), "DIED");
    EXPECT_EQ(ended.signal(), name);
    EXPECT_EQ(ended.step(), 12);
    EXPECT_FALSE(ended.hint().empty());
  }
}

TEST(JudgeRank, AKillByOrderIsNobodysFault) {
  RankDeath death = Death(SIGKILL);
  death.killed_by_us = true;
  EXPECT_EQ(JudgeRank(death).outcome(), "KILLED");
  EXPECT_EQ(JudgeRank(death).signal(), "SIGKILL");
}

TEST(JudgeRank, AnExitCodeAloneIsUnknown) {
  const v1::RankEnded ended = JudgeRank(Death(Exited(3)));
  EXPECT_EQ(ended.failure_class(), v1::FAILURE_CLASS_UNKNOWN);
  EXPECT_EQ(ended.outcome(), "NO_RECORD");
  EXPECT_EQ(ended.exit_code(), 3);
}

}  // namespace
}  // namespace ocellus::agent
