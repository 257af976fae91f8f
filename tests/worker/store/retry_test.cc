#include "worker/store/retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/worker/store/fake_clock.h"

namespace ocellus::store {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, PausesAreWithinADoublingLimit) {
  FakeClock clock;
  std::vector<int64_t> longest(12, 0);
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Backoff backoff({.attempts_max = 12, .deadline = std::chrono::hours(1)}, &clock, seed);
    for (size_t i = 0;; ++i) {
      const int64_t before = clock.slept_ms();
      if (!backoff.Wait()) break;
      const int64_t pause = clock.slept_ms() - before;
      longest[i] = std::max(longest[i], pause);
      EXPECT_LE(pause, std::min<int64_t>(5'000, 50LL << i));
    }
    EXPECT_EQ(backoff.attempts(), 12);
  }
  EXPECT_GT(longest[0], 40);  // full jitter uses the whole of it
  EXPECT_GT(longest[4], 700);
  EXPECT_GT(longest[10], 4'500);
}

TEST(Backoff, EndsBeforeTheDeadline) {
  FakeClock clock;
  Backoff backoff({.attempts_max = 1'000'000, .deadline = std::chrono::seconds(60)}, &clock, 3);
  while (backoff.Wait()) {
  }
  EXPECT_LT(clock.slept_ms(), 60'000);
  EXPECT_GT(clock.slept_ms(), 50'000);
}

TEST(Backoff, TheServersWishCounts) {
  FakeClock clock;
  Backoff backoff({}, &clock, 3);
  EXPECT_TRUE(backoff.Wait(milliseconds(7'000)));
  EXPECT_GE(clock.slept_ms(), 7'000);
  EXPECT_FALSE(backoff.Wait(std::chrono::hours(1)));
}

}  // namespace
}  // namespace ocellus::store
