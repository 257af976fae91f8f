#include "models/optim/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "worker/wire/fault.h"

namespace ocellus::models::optim {
namespace {

constexpr Schedule kCosine{.kind = Schedule::Kind::kCosine,
                           .peak = 0.8,
                           .min_rate = 0.1,
                           .warmup_steps = 4,
                           .total_steps = 20};

TEST(Schedule, WarmsUpFromZero) {
  EXPECT_EQ(kCosine.Rate(0), 0.0);
  EXPECT_DOUBLE_EQ(kCosine.Rate(1), 0.2);
  EXPECT_DOUBLE_EQ(kCosine.Rate(3), 0.6);
}

TEST(Schedule, CosineStartsAtThePeakAndEndsAtTheMinimum) {
  EXPECT_DOUBLE_EQ(kCosine.Rate(4), 0.8);
  EXPECT_DOUBLE_EQ(kCosine.Rate(12), 0.45);
  EXPECT_NEAR(kCosine.Rate(20), 0.1, 1e-15);
  EXPECT_DOUBLE_EQ(kCosine.Rate(8), 0.1 + 0.7 * (1 + std::cos(std::numbers::pi / 4)) / 2);
}

TEST(Schedule, OffsetOneSkipsTheZeroRate) {
  Schedule schedule = kCosine;
  schedule.warmup_offset = 1;
  EXPECT_DOUBLE_EQ(schedule.Rate(0), 0.2);
  EXPECT_DOUBLE_EQ(schedule.Rate(3), 0.8);
  EXPECT_DOUBLE_EQ(schedule.Rate(4), 0.8);
}

TEST(Schedule, ConstantStaysAtThePeak) {
  const Schedule schedule{.kind = Schedule::Kind::kConstant, .peak = 0.5, .total_steps = 10};
  EXPECT_EQ(schedule.Rate(0), 0.5);
  EXPECT_EQ(schedule.Rate(99), 0.5);
}

TEST(Schedule, AllWarmUpEndsAtTheMinimum) {
  const Schedule schedule{.peak = 1, .min_rate = 0.25, .warmup_steps = 10, .total_steps = 10};
  EXPECT_DOUBLE_EQ(schedule.Rate(9), 0.9);
  EXPECT_DOUBLE_EQ(schedule.Rate(10), 0.25);
}

TEST(Schedule, ReadsItsSection) {
  const nlohmann::json section = {{"kind", "cosine"},
                                  {"min_lr", 0.1},
                                  {"warmup_steps", 4},
                                  {"total_steps", 20},
                                  {"warmup_offset", 0}};
  EXPECT_EQ(MakeSchedule(section, 0.8).Rate(12), kCosine.Rate(12));
}

TEST(Schedule, RefusesWhatItDoesNotKnow) {
  nlohmann::json section = {{"kind", "linear"}};
  try {
    MakeSchedule(section, 1);
    FAIL();
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.fault_class(), wire::FaultClass::kUser);
    EXPECT_NE(std::string(fault.what()).find("schedule.kind: 'linear'"), std::string::npos);
  }
  section["kind"] = "cosine";
  EXPECT_THROW(MakeSchedule(section, 1), wire::Fault);
}

}  // namespace
}  // namespace ocellus::models::optim
