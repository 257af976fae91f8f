#include "worker/trainer/pinning.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace ocellus::trainer {
namespace {

using Cpus = std::vector<int>;

TEST(Pinning, SharesAreEqualAndApart) {
  const Cpus cpus = {0, 1, 2, 5, 6, 7, 8, 9};
  EXPECT_EQ(ShareOfCpus(cpus, 0, 2, 4), (Cpus{0, 1, 2, 5}));
  EXPECT_EQ(ShareOfCpus(cpus, 1, 2, 1), (Cpus{6, 7, 8, 9}));
  EXPECT_EQ(ShareOfCpus(cpus, 0, 3, 2), (Cpus{0, 1, 2}));
  EXPECT_EQ(ShareOfCpus(cpus, 1, 3, 2), (Cpus{5, 6, 7}));
  EXPECT_EQ(ShareOfCpus(cpus, 2, 3, 2), (Cpus{8, 9}));
}

TEST(Pinning, NobodyGetsLessThanItsThreads) {
  EXPECT_EQ(ShareOfCpus({0, 1, 2}, 0, 2, 2), Cpus{});
  EXPECT_EQ(ShareOfCpus({0, 1, 2}, 1, 2, 2), Cpus{});
  EXPECT_EQ(ShareOfCpus({}, 0, 2, 1), Cpus{});
}

int CpusOfThisProcess() {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  return CPU_COUNT(&set);
}

// In a process of its own.
int CpusAfterPinning(int index, int ranks, const char* wish) {
  const pid_t child = fork();
  if (child == 0) {
    if (wish) setenv("OCELLUS_PIN", wish, 1);
    PinToShare(index, ranks, 1);
    _exit(CpusOfThisProcess() % 256);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

TEST(Pinning, HoldsForTheProcessAndCanBeTurnedOff) {
  const int all = CpusOfThisProcess() % 256;
  EXPECT_EQ(CpusAfterPinning(0, 1, nullptr), all);
  EXPECT_EQ(CpusAfterPinning(0, 2, "off"), all);
  if (all < 2) GTEST_SKIP() << "one processor cannot be shared out";
  EXPECT_EQ(CpusAfterPinning(0, 2, nullptr), (all + 1) / 2);
  EXPECT_EQ(CpusAfterPinning(1, 2, nullptr), all / 2);
}

}  // namespace
}  // namespace ocellus::trainer
