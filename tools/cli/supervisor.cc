#include "tools/cli/supervisor.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tools/cli/terminal.h"
#include "tools/cli/words.h"

namespace ocellus::cli {
namespace {

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(200);
constexpr absl::Duration kLastBackoff = absl::Seconds(30);
// A child that lived so long starts with the first backoff again.
constexpr absl::Duration kSettled = absl::Seconds(60);

sigset_t TakenSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&set, signal);
  }
  return set;
}

// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void BecomeChild(const std::vector<char*>& words, int log, int null, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(1);
  }
  setpgid(0, 0);  // Ctrl-C is for us; children are stopped in order
  dup2(null, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  execv(words[0], words.data());
  const char* text = strerror(errno);
  if (write(STDERR_FILENO, text, strlen(text)) < 0) {
    _exit(126);
  }
  _exit(127);
}

std::string EndText(int status) {
  if (WIFSIGNALED(status)) {
    return absl::StrCat("was ended by signal ", WTERMSIG(status), " (", strsignal(WTERMSIG(status)),
                        ")");
  }
  return absl::StrCat("ended with exit code ", WEXITSTATUS(status));
}

}  // namespace

Supervisor::Supervisor() {
  const sigset_t set = TakenSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Supervisor::~Supervisor() {
  for (Child& child : children_) {
    if (child.pid > 0) {
      kill(child.pid, SIGKILL);
      waitpid(child.pid, nullptr, 0);
    }
  }
}

size_t Supervisor::Add(ChildSpec spec) {
  Child child;
  child.spec = std::move(spec);
  child.backoff = kFirstBackoff;
  children_.push_back(std::move(child));
  Start(&children_.back());
  return children_.size() - 1;
}

void Supervisor::SetCommand(size_t child, std::vector<std::string> command) {
  children_[child].spec.command = std::move(command);
}

void Supervisor::Start(Child* child) {
  child->started = absl::Now();
  std::vector<char*> words;
  for (std::string& word : child->spec.command) {
    words.push_back(word.data());
  }
  words.push_back(nullptr);
  const int log = open(child->spec.log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t parent = getpid();
  const pid_t pid = log < 0 || null < 0 ? -1 : fork();
  if (pid == 0) {
    BecomeChild(words, log, null, parent);
  }
  const int error = errno;
  for (int fd : {log, null}) {
    if (fd >= 0) close(fd);
  }
  if (pid > 0) {
    child->pid = pid;
    return;
  }
  Note(absl::StrCat("cannot start ", child->spec.name, ": ", strerror(error)));
  ++child->deaths;
  child->next_start = absl::Now() + child->backoff;
  child->backoff = std::min(2 * child->backoff, kLastBackoff);
}

void Supervisor::Died(Child* child, int status) {
  const pid_t pid = std::exchange(child->pid, 0);
  if (!child->wanted) {
    return;
  }
  ++child->deaths;
  if (absl::Now() - child->started > kSettled) {
    child->backoff = kFirstBackoff;
  }
  child->next_start = absl::Now() + child->backoff;
  Note(absl::StrCat(child->spec.name, " (pid ", pid, ") ", EndText(status),
                    "; starting it again in ", absl::FormatDuration(child->backoff),
                    "; log: ", child->spec.log));
  child->backoff = std::min(2 * child->backoff, kLastBackoff);
}

void Supervisor::Reap() {
  for (Child& child : children_) {
    int status = 0;
    if (child.pid > 0 && waitpid(child.pid, &status, WNOHANG) == child.pid) {
      Died(&child, status);
    }
  }
}

absl::Duration Supervisor::UntilNextStart(absl::Duration at_most) const {
  for (const Child& child : children_) {
    if (child.wanted && child.pid == 0) {
      at_most = std::min(at_most, child.next_start - absl::Now());
    }
  }
  return std::max(at_most, absl::ZeroDuration());
}

int Supervisor::Pump(absl::Duration timeout) {
  const sigset_t set = TakenSignals();
  const timespec wait = absl::ToTimespec(UntilNextStart(timeout));
  const int number = sigtimedwait(&set, nullptr, &wait);
  Reap();
  if (number > 0 && number != SIGCHLD) {
    return number;
  }
  for (Child& child : children_) {
    if (child.wanted && child.pid == 0 && absl::Now() >= child.next_start) {
      Start(&child);
    }
  }
  return 0;
}

void Supervisor::Stop(size_t index, absl::Duration grace) {
  Child& child = children_[index];
  child.wanted = false;
  if (child.pid <= 0) {
    return;
  }
  kill(child.pid, SIGTERM);
  const absl::Time end = absl::Now() + grace;
  while (child.pid > 0) {
    const bool hurried = Pump(std::max(end - absl::Now(), absl::ZeroDuration())) != 0;
    if (child.pid > 0 && (hurried || absl::Now() >= end)) {
      kill(child.pid, SIGKILL);
      waitpid(child.pid, nullptr, 0);
      child.pid = 0;
    }
  }
}

std::string LogTail(const std::string& path, int lines) {
  std::ifstream file(path);
  std::deque<std::string> last;
  for (std::string line; std::getline(file, line);) {
    last.push_back(line);
    if (last.size() > static_cast<size_t>(lines)) last.pop_front();
  }
  std::string text;
  for (const std::string& line : last) {
    absl::StrAppend(&text, "\n  | ", line);
  }
  return text;
}

}  // namespace ocellus::cli
