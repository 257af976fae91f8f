#include "worker/trainer/errands.h"

#include <gtest/gtest.h>

#include <latch>
#include <vector>

namespace ocellus::trainer {
namespace {

TEST(Errands, AreDoneInOrderAndNotWaitedFor) {
  std::latch go_on(1);
  std::vector<int> done;
  Errands errands;
  EXPECT_TRUE(errands.Do([&] { go_on.wait(); }));
  for (int i = 0; i < 3; ++i) errands.Do([&done, i] { done.push_back(i); });
  EXPECT_TRUE(done.empty());
  go_on.count_down();
  errands.Finish();
  EXPECT_EQ(done, (std::vector<int>{0, 1, 2}));
}

TEST(Errands, AreBounded) {
  std::latch go_on(1);
  size_t taken = 0;
  {
    Errands errands;
    while (errands.Do([&] { go_on.wait(); })) ++taken;
    EXPECT_LE(taken, Errands::kWaitingMax + 1);
    EXPECT_GE(taken, Errands::kWaitingMax);
    go_on.count_down();
  }
}

}  // namespace
}  // namespace ocellus::trainer
