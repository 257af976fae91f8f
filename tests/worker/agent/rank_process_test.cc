#include "worker/agent/rank_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace ocellus::agent {
namespace {

std::unique_ptr<RankProcess> Shell(const std::string& script) {
  auto process = RankProcess::Start({"/bin/sh", {"-c", script}, {{"OCELLUS_TEST", "yes"}}});
  EXPECT_TRUE(process.ok()) << process.status();
  return process.ok() ? *std::move(process) : nullptr;
}

void Await(int fd, short what) {
  pollfd entry{fd, what, 0};
  ASSERT_GT(poll(&entry, 1, 10000), 0);
}

std::string ReadToEnd(int fd) {
  std::string text;
  char chunk[4096];
  for (;;) {
    const ssize_t got = read(fd, chunk, sizeof(chunk));
    if (got > 0) text.append(chunk, static_cast<size_t>(got));
    if (got == 0) return text;
    if (got < 0) Await(fd, POLLIN);
  }
}

int WaitStatus(RankProcess* process) {
  Await(process->end_fd(), POLLIN);
  return process->Reap().value();
}

TEST(RankProcess, FourPipesAndAnEnvironment) {
  signal(SIGPIPE, SIG_IGN);
  const auto process = Shell(
      "read line; echo \"out $line\"; echo err >&2; echo event >&3; echo $OCELLUS_TEST; exit 3");
  process->Send("hi");
  EXPECT_EQ(ReadToEnd(process->stdout_fd()), "out hi\nyes\n");
  EXPECT_EQ(ReadToEnd(process->stderr_fd()), "err\n");
  EXPECT_EQ(ReadToEnd(process->event_fd()), "event\n");
  EXPECT_EQ(WEXITSTATUS(WaitStatus(process.get())), 3);
}

TEST(RankProcess, NoOtherDescriptorIsInherited) {
  const int leak = open("/dev/null", O_RDONLY);
  const auto process = Shell("ls /proc/self/fd | tr '\\n' ' '");
  // The fifth is what ls itself opened.
  EXPECT_EQ(ReadToEnd(process->stdout_fd()), "0 1 2 3 4 ");
  close(leak);
}

TEST(RankProcess, SignalsAreAsUsual) {
  signal(SIGPIPE, SIG_IGN);
  const auto process = Shell("grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '\\t\\n'");
  EXPECT_EQ(ReadToEnd(process->stdout_fd()), "SigBlk:0000000000000000SigIgn:0000000000000000");
}

TEST(RankProcess, AProgramThatIsNotThereIsNamed) {
  const auto process = RankProcess::Start({"/no/such/program", {}, {}});
  EXPECT_EQ(process.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(process.status().message().find("/no/such/program: No such file"), std::string::npos);
}

TEST(RankProcess, MoreThanThePipeHoldsIsSentAsItIsRead) {
  const std::string go = testing::TempDir() + "/go-" + std::to_string(getpid());
  const auto process =
      Shell("until [ -e " + go + " ]; do sleep 0.01; done; head -c 3145729 | wc -c");
  process->Send(std::string(3 << 20, 'x'));
  EXPECT_TRUE(process->sending());
  std::ofstream(go) << "go";
  while (process->sending()) {
    Await(process->stdin_fd(), POLLOUT);
    process->Flush();
  }
  EXPECT_EQ(ReadToEnd(process->stdout_fd()), "3145729\n");
  std::filesystem::remove(go);
}

TEST(RankProcess, TheWholeGroupIsSignalled) {
  const auto process = Shell("sleep 1000 & echo $!; wait");
  char text[32] = {};
  Await(process->stdout_fd(), POLLIN);
  ASSERT_GT(read(process->stdout_fd(), text, sizeof(text) - 1), 0);
  process->Signal(SIGKILL);
  EXPECT_EQ(WTERMSIG(WaitStatus(process.get())), SIGKILL);
  EXPECT_EQ(ReadToEnd(process->stdout_fd()), "");  // nobody holds the pipe any more
}

TEST(RankProcess, TheChildDiesWithTheThreadThatStartedIt) {
  std::unique_ptr<RankProcess> process;
  std::thread([&] { process = Shell("sleep 1000"); }).join();
  EXPECT_EQ(WTERMSIG(WaitStatus(process.get())), SIGKILL);
}

TEST(RankProcess, DestroyedItLeavesNoProcess) {
  pid_t pid = 0;
  { pid = Shell("trap '' TERM; sleep 1000")->pid(); }
  EXPECT_NE(kill(pid, 0), 0);
}

}  // namespace
}  // namespace ocellus::agent
