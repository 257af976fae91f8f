#include "worker/wire/failpoint.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "tests/support/temp_folder.h"

namespace ocellus::wire {
namespace {

// Passes three times in a child with that order. The child's wait status.
int PassThrice(const std::string& order) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("OCELLUS_FAILPOINT", order.c_str(), 1);
    for (int pass = 0; pass < 3; ++pass) PassFailpoint("here");
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

bool Killed(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }

TEST(Failpoint, OrdersAreReadOrPassedOver) {
  const FailpointOrder order = ParseFailpoint("trainer.begin_sent:hold:3@/tmp/mark");
  EXPECT_EQ(order.name, "trainer.begin_sent");
  EXPECT_EQ(order.action, "hold");
  EXPECT_EQ(order.hit, 3);
  EXPECT_EQ(order.marker, "/tmp/mark");
  EXPECT_EQ(ParseFailpoint("a:kill").hit, 1);
  for (const char* wrong : {"", "a", "a:dance", "a:hold", "a:kill:0", "a:kill:x"}) {
    EXPECT_EQ(ParseFailpoint(wrong).name, "") << wrong;
  }
}

TEST(Failpoint, KillsAtItsHitAndOnceForAMarker) {
  const TempFolder folder;
  EXPECT_TRUE(Killed(PassThrice("here:kill")));
  EXPECT_TRUE(Killed(PassThrice("here:kill:3")));
  EXPECT_EQ(PassThrice("here:kill:4"), 0);
  EXPECT_EQ(PassThrice("there:kill"), 0);
  const std::string once = "here:kill:2@" + folder / "mark";
  EXPECT_TRUE(Killed(PassThrice(once)));
  EXPECT_TRUE(std::filesystem::exists(folder / "mark"));
  EXPECT_EQ(PassThrice(once), 0);
}

TEST(Failpoint, HoldsUntilToldToGo) {
  const TempFolder folder;
  folder.Write("mark.go", "");
  EXPECT_EQ(PassThrice("here:hold@" + folder / "mark"), 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "mark"));
}

}  // namespace
}  // namespace ocellus::wire
