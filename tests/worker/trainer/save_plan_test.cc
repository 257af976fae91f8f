#include "worker/trainer/save_plan.h"

#include <gtest/gtest.h>

namespace ocellus::trainer {
namespace {

TEST(SavePlan, AFixedIntervalNeedsNoVote) {
  SavePlan plan({.every_steps = 10}, 0, /*decides=*/true);
  EXPECT_FALSE(plan.Wishes(10));
  EXPECT_TRUE(plan.Due(10, false));
  EXPECT_FALSE(plan.Due(11, true));
  plan.Saved(10, 1);
  EXPECT_EQ(plan.interval_s(), 0);
}

TEST(SavePlan, AutoSavesOnceByStepsAndThenByTime) {
  const wire::CheckpointSettings settings{
      .every_steps = 10, .auto_interval = true, .fault_interval_s = 86400};
  SavePlan plan(settings, 25, /*decides=*/true);
  EXPECT_FALSE(plan.Wishes(34));
  EXPECT_TRUE(plan.Wishes(35));
  EXPECT_TRUE(plan.Due(35, true));
  EXPECT_FALSE(plan.Due(40, false));
  plan.Saved(35, 0.1);
  EXPECT_NEAR(plan.interval_s(), 131.45, 0.01);
  EXPECT_FALSE(plan.Wishes(1000));  // not before its time
  EXPECT_FALSE(SavePlan(settings, 0, /*decides=*/false).Wishes(100));
}

TEST(SavePlan, CopiesInMemoryHaveAnIntervalOfTheirOwn) {
  EXPECT_TRUE(SavePlan({.memory_every_steps = 3}, 0, true).MemoryDue(6, false));
  EXPECT_FALSE(SavePlan({.memory_every_steps = 3}, 0, true).MemoryDue(7, true));
  EXPECT_TRUE(SavePlan({}, 0, true).MemoryDue(7, true));
  EXPECT_FALSE(SavePlan({}, 0, true).MemoryDue(7, false));
}

}  // namespace
}  // namespace ocellus::trainer
