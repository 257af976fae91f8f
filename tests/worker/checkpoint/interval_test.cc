#include "worker/checkpoint/interval.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ocellus::checkpoint {
namespace {

TEST(Interval, IsYoungsWithinItsBounds) {
  EXPECT_DOUBLE_EQ(BestInterval(0.1, 86400), std::sqrt(2 * 0.1 * 86400));
  EXPECT_DOUBLE_EQ(BestInterval(0.001, 3600), kIntervalLeastS);
  EXPECT_DOUBLE_EQ(BestInterval(1, 250.0 * 86400), kIntervalMostS);
  EXPECT_DOUBLE_EQ(BestInterval(0, 0), kIntervalLeastS);
}

TEST(Interval, StallsTakeNoMoreThanTheirShare) {
  EXPECT_DOUBLE_EQ(BestInterval(1, 60), 1 / kStallShareMost);
  EXPECT_DOUBLE_EQ(BestInterval(30, 1e9), 30 / kStallShareMost);  // more than an hour, even so
}

TEST(Interval, LosesLessThanItsNeighbours) {
  const double stall = 0.5, faults = 20000, best = BestInterval(stall, faults);
  const auto loss = [&](double interval) { return stall / interval + interval / 2 / faults; };
  EXPECT_LT(loss(best), loss(best * 1.1));
  EXPECT_LT(loss(best), loss(best / 1.1));
}

}  // namespace
}  // namespace ocellus::checkpoint
