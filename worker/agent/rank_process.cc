#include "worker/agent/rank_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "absl/strings/str_cat.h"
#include "coordinator/base/shutdown.h"

extern char** environ;

namespace ocellus::agent {
namespace {

// Pipes live above this, so that the child's dup2 onto 0 to 3 overwrites none of them.
constexpr int kLowestPipeFd = 10;

void CloseFd(int* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

struct Pipe {
  int read = -1;
  int write = -1;
  ~Pipe() {
    CloseFd(&read);
    CloseFd(&write);
  }
  bool Open() {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) return false;
    read = fcntl(fds[0], F_DUPFD_CLOEXEC, kLowestPipeFd);
    write = fcntl(fds[1], F_DUPFD_CLOEXEC, kLowestPipeFd);
    close(fds[0]);
    close(fds[1]);
    return read >= 0 && write >= 0;
  }
};

struct Pipes {
  Pipe in, out, error, events, exec_error;
  bool Open() {
    return in.Open() && out.Open() && error.Open() && events.Open() && exec_error.Open();
  }
};

// Strings and the null-ended array of pointers that execve wants.
struct Strings {
  std::vector<std::string> values;
  std::vector<char*> pointers;
  char* const* Finish() {
    for (std::string& value : values) pointers.push_back(value.data());
    pointers.push_back(nullptr);
    return pointers.data();
  }
};

Strings ArgumentsOf(const RankCommand& command) {
  Strings strings;
  strings.values.push_back(command.program);
  for (const std::string& argument : command.arguments) strings.values.push_back(argument);
  return strings;
}

Strings EnvironmentOf(const RankCommand& command) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  // A rank is its user's program: what speaks for the node or for a person is not its business.
  for (const char* ours : {"OCELLUS_TOKEN", "OCELLUS_JOIN_TOKEN"}) variables.erase(ours);
  for (const auto& [name, value] : command.environment) variables[name] = value;
  Strings strings;
  for (const auto& [name, value] : variables) strings.values.push_back(name + "=" + value);
  return strings;
}

// In the child, between fork and exec: only async-signal-safe calls.
[[noreturn]] void BecomeRank(const Pipes& pipes, pid_t parent, int memory_fd, const char* program,
                             char* const* arguments, char* const* environment) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent died before prctl
  coordinator::RestoreSignals();
  const std::array<int, 4> ends = {pipes.in.read, pipes.out.write, pipes.error.write,
                                   pipes.events.write};
  bool ready = true;
  for (size_t target = 0; target < ends.size(); ++target) {
    ready = dup2(ends[target], static_cast<int>(target)) >= 0 && ready;
  }
  if (memory_fd >= 0) ready = dup2(memory_fd, kMemoryFd) >= 0 && ready;
  // Ours are close-on-exec already; this is for what libraries opened.
  close_range(memory_fd >= 0 ? kMemoryFd + 1 : kMemoryFd, ~0u, CLOSE_RANGE_CLOEXEC);
  if (ready) execve(program, arguments, environment);
  const int error = errno;
  const ssize_t told = write(pipes.exec_error.write, &error, sizeof(error));
  _exit(told == sizeof(error) ? 127 : 126);
}

// errno of a failed exec; 0 when the program runs.
int ExecError(int fd) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = read(fd, &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  return got == sizeof(error) ? error : 0;
}

int TakeNonBlocking(int* fd) {
  fcntl(*fd, F_SETFL, O_NONBLOCK);
  return std::exchange(*fd, -1);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RankProcess>> RankProcess::Start(const RankCommand& command) {
  const auto failed = [&](int error) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot run ", command.program, ": ", strerror(error)));
  };
  Pipes pipes;
  if (!pipes.Open()) return failed(errno);
  Strings arguments = ArgumentsOf(command);
  Strings environment = EnvironmentOf(command);
  char* const* argv = arguments.Finish();
  char* const* envp = environment.Finish();
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return failed(errno);
  if (pid == 0) {
    BecomeRank(pipes, parent, command.memory_fd, command.program.c_str(), argv, envp);
  }
  setpgid(pid, pid);  // also here, so that Signal reaches the group at once

  std::unique_ptr<RankProcess> process(new RankProcess());
  process->pid_ = pid;
  CloseFd(&pipes.exec_error.write);
  if (const int error = ExecError(pipes.exec_error.read); error != 0) return failed(error);
  process->end_fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (process->end_fd_ < 0) return failed(errno);
  process->stdin_fd_ = TakeNonBlocking(&pipes.in.write);
  process->stdout_fd_ = TakeNonBlocking(&pipes.out.read);
  process->stderr_fd_ = TakeNonBlocking(&pipes.error.read);
  process->event_fd_ = TakeNonBlocking(&pipes.events.read);
  return process;
}

RankProcess::~RankProcess() {
  if (!wait_status_) {
    Signal(SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  for (int* fd : {&end_fd_, &stdin_fd_, &stdout_fd_, &stderr_fd_, &event_fd_}) CloseFd(fd);
}

void RankProcess::Send(const std::string& line) {
  unsent_ += line;
  unsent_ += '\n';
  Flush();
}

void RankProcess::Flush() {
  size_t done = 0;
  while (done < unsent_.size()) {
    const ssize_t wrote = write(stdin_fd_, unsent_.data() + done, unsent_.size() - done);
    if (wrote >= 0) {
      done += static_cast<size_t>(wrote);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      done = unsent_.size();  // the child reads no more; its end will say why
    }
  }
  unsent_.erase(0, done);
}

void RankProcess::Signal(int signal_number) {
  if (!wait_status_) kill(-pid_, signal_number);
}

std::optional<int> RankProcess::Reap() {
  if (wait_status_) return wait_status_;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  kill(-pid_, SIGKILL);
  wait_status_ = status;
  return wait_status_;
}

}  // namespace ocellus::agent
