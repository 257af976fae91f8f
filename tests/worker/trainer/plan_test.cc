#include "worker/trainer/plan.h"

#include <gtest/gtest.h>

#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

TEST(Plan, CountsWholeBatches) { EXPECT_EQ(StepsPerEpoch(1000, 96, 2, 4), 10); }

TEST(Plan, RefusesABatchThatDoesNotDivide) {
  try {
    StepsPerEpoch(1000, 100, 3, 2);
    FAIL();
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.outcome(), "BAD_SPEC");
    EXPECT_NE(std::string(fault.what()).find("batch.global"), std::string::npos);
    EXPECT_NE(fault.hint().find("multiple of 6"), std::string::npos);
  }
}

TEST(Plan, RefusesFewerSamplesThanABatch) {
  try {
    StepsPerEpoch(30, 64, 1, 1);
    FAIL();
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.outcome(), "NO_DATA");
    EXPECT_NE(std::string(fault.what()).find("30 samples"), std::string::npos);
  }
}

TEST(Plan, TurnsEpochsIntoSteps) {
  const nlohmann::json schedule = {
      {"kind", "cosine"}, {"epochs", 2.5}, {"warmup_epochs", 0.5}, {"min_lr", 0}};
  const auto steps = ScheduleInSteps(schedule, 11);
  EXPECT_EQ(steps["total_steps"], 28);
  EXPECT_EQ(steps["warmup_steps"], 6);
  EXPECT_FALSE(steps.contains("epochs"));
  EXPECT_FALSE(steps.contains("warmup_epochs"));
}

TEST(Plan, LeavesStepsAlone) {
  const nlohmann::json schedule = {{"total_steps", 7}, {"warmup_steps", 3}};
  EXPECT_EQ(ScheduleInSteps(schedule, 11), schedule);
}

TEST(Plan, RefusesAWarmUpLongerThanTheRun) {
  EXPECT_THROW(ScheduleInSteps({{"total_steps", 3}, {"warmup_epochs", 1.0}}, 11), wire::Fault);
}

}  // namespace
}  // namespace ocellus::trainer
