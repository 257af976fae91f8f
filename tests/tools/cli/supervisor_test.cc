#include "tools/cli/supervisor.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/time/clock.h"
#include "tests/support/temp_folder.h"

namespace ocellus::cli {
namespace {

constexpr absl::Duration kDeadline = absl::Seconds(20);

// Pumps until the condition holds; false when it does not in time.
template <typename Condition>
bool PumpUntil(Supervisor* supervisor, Condition condition) {
  const absl::Time end = absl::Now() + kDeadline;
  while (!condition()) {
    if (absl::Now() > end) return false;
    supervisor->Pump(absl::Milliseconds(20));
  }
  return true;
}

bool HasFile(const std::string& path) { return std::filesystem::exists(path); }

TEST(Supervisor, RestartsWhatDies) {
  TempFolder folder;
  Supervisor supervisor;
  const size_t child = supervisor.Add(
      {"sleeper", {"/bin/sh", "-c", "echo started; exec sleep 1000"}, folder / "log"});
  const pid_t first = supervisor.pid(child);
  ASSERT_GT(first, 0);
  kill(first, SIGKILL);
  EXPECT_TRUE(PumpUntil(
      &supervisor, [&] { return supervisor.running(child) && supervisor.pid(child) != first; }));
  EXPECT_EQ(supervisor.deaths(child), 1);
  supervisor.Stop(child, absl::Seconds(10));
  EXPECT_FALSE(supervisor.running(child));
  EXPECT_EQ(supervisor.deaths(child), 1);
}

TEST(Supervisor, RunsTheNewCommandTheNextTime) {
  TempFolder folder;
  Supervisor supervisor;
  const size_t child = supervisor.Add({"first", {"/bin/false"}, folder / "log"});
  supervisor.SetCommand(child, {"/bin/sh", "-c", "echo > " + (folder / "second") + "; sleep 1000"});
  EXPECT_TRUE(PumpUntil(&supervisor, [&] { return HasFile(folder / "second"); }));
}

TEST(Supervisor, StopKillsTheStubborn) {
  TempFolder folder;
  Supervisor supervisor;
  const size_t child = supervisor.Add(
      {"stubborn",
       {"/bin/sh", "-c",
        "trap '' TERM; echo > " + (folder / "ready") + "; while :; do sleep 1; done"},
       folder / "log"});
  ASSERT_TRUE(PumpUntil(&supervisor, [&] { return HasFile(folder / "ready"); }));
  supervisor.Stop(child, absl::Milliseconds(50));
  EXPECT_FALSE(supervisor.running(child));
}

TEST(Supervisor, SignalsAreValues) {
  Supervisor supervisor;
  kill(getpid(), SIGTERM);
  EXPECT_EQ(supervisor.Pump(kDeadline), SIGTERM);
}

TEST(Supervisor, ChildrenDieWithTheirParent) {
  TempFolder folder;
  const pid_t parent = fork();
  if (parent == 0) {
    Supervisor supervisor;
    supervisor.Add({"sleeper",
                    {"/bin/sh", "-c",
                     "echo $$ > " + (folder / "tmp") + "; mv " + (folder / "tmp") + " " +
                         (folder / "pid") + "; exec sleep 1000"},
                    folder / "log"});
    supervisor.Pump(absl::InfiniteDuration());
    _exit(0);
  }
  const absl::Time end = absl::Now() + kDeadline;
  while (!HasFile(folder / "pid") && absl::Now() < end) absl::SleepFor(absl::Milliseconds(10));
  pid_t child = 0;
  std::ifstream(folder / "pid") >> child;
  ASSERT_GT(child, 0);
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  auto gone = [&] {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string pid, name, state;
    return !(stat >> pid >> name >> state) || state == "Z";
  };
  while (!gone() && absl::Now() < end) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_TRUE(gone());
}

TEST(LogTail, LastLines) {
  TempFolder folder;
  EXPECT_EQ(LogTail(folder.Write("log", "1\n2\n3\n"), 2), "\n  | 2\n  | 3");
  EXPECT_EQ(LogTail(folder / "none", 2), "");
}

}  // namespace
}  // namespace ocellus::cli
