// One child process: its pipes, its signals, its end. Used by one thread, which must live as long
// as the child should: the kernel kills the child when the thread that started it ends, so that no
// rank outlives its agent however that dies.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace ocellus::agent {

struct RankCommand {
  std::string program;
  std::vector<std::string> arguments;
  // Added to, or replacing, what this process has.
  std::vector<std::pair<std::string, std::string>> environment;
  // A descriptor of ours, 10 or above, that the child has as kMemoryFd; -1: none.
  int memory_fd = -1;
};
inline constexpr int kMemoryFd = 4;

class RankProcess {
 public:
  // Starts the child in a process group of its own. It has stdin, stdout, stderr and fd 3 as pipes
  // to us, and no other descriptor but its memory, and default signals. FAILED_PRECONDITION when
  // the program cannot be run; the message says why.
  static absl::StatusOr<std::unique_ptr<RankProcess>> Start(const RankCommand& command);
  // SIGKILLs the group and reaps, when that has not happened yet.
  ~RankProcess();
  RankProcess(const RankProcess&) = delete;
  RankProcess& operator=(const RankProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Readable when the child has ended.
  int end_fd() const { return end_fd_; }
  // Ends of the pipes on our side, all non-blocking.
  int stdin_fd() const { return stdin_fd_; }
  int stdout_fd() const { return stdout_fd_; }
  int stderr_fd() const { return stderr_fd_; }
  int event_fd() const { return event_fd_; }

  // Queues `line` and '\n' for the child's stdin and writes what the pipe takes now.
  void Send(const std::string& line);
  // Whether bytes wait for stdin_fd to become writable; then Flush.
  bool sending() const { return !unsent_.empty(); }
  void Flush();

  // To the whole group. Nothing happens once the child has been reaped.
  void Signal(int signal_number);
  // The status of waitpid, once the child has ended. What is left of its group is killed then.
  std::optional<int> Reap();

 private:
  RankProcess() = default;

  pid_t pid_ = -1;
  int end_fd_ = -1;
  int stdin_fd_ = -1;
  int stdout_fd_ = -1;
  int stderr_fd_ = -1;
  int event_fd_ = -1;
  std::string unsent_;
  std::optional<int> wait_status_;
};

}  // namespace ocellus::agent
