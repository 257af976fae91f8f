#include "worker/trainer/guard.h"

#include <gtest/gtest.h>

#include <limits>

#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Guard, CountsOnFromTheCheckpoint) {
  Guard guard({.fail_on_nan = false, .max_skipped = 5}, 2);
  guard.Refused(10, kNan, 1);
  EXPECT_EQ(guard.skipped(), 3);
}

TEST(Guard, EndsAfterTooMany) {
  Guard guard({.fail_on_nan = false, .max_skipped = 1}, 0);
  guard.Refused(10, kNan, 1);
  try {
    guard.Refused(11, kNan, 1);
    FAIL();
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.outcome(), "NON_FINITE_LOSS");
    EXPECT_EQ(fault.fault_class(), wire::FaultClass::kUser);
    EXPECT_NE(std::string(fault.what()).find("guard.max_skipped is 1"), std::string::npos);
  }
}

TEST(Guard, FailsAtOnceWhenAskedTo) {
  Guard guard({.fail_on_nan = true, .max_skipped = 100}, 0);
  EXPECT_THROW(guard.Refused(1, kNan, 1), wire::Fault);
}

}  // namespace
}  // namespace ocellus::trainer
