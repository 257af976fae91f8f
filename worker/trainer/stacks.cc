#include "worker/trainer/stacks.h"

#include <cxxabi.h>
#include <execinfo.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ocellus::trainer {
namespace {

constexpr int kFramesMax = 64;
// The signal's own frames on top of each stack.
constexpr int kFramesOfSignal = 2;
constexpr long kPatienceNs = 200'000'000;

// What one thread is asked for.
struct Request {
  explicit Request(pid_t thread) : thread(thread) { sem_init(&answered, 0, 0); }
  const pid_t thread;
  void* frames[kFramesMax];
  int count = 0;
  sem_t answered;
};
std::atomic<Request*> asked{nullptr};

// A thread that did not answer still may, so its request stays for good.
void KeepForGood(std::unique_ptr<Request> request) {
  static auto* const kept = new std::vector<std::unique_ptr<Request>>;
  kept->push_back(std::move(request));
}

int Signal() { return SIGRTMIN + 5; }

pid_t ThisThread() { return static_cast<pid_t>(syscall(SYS_gettid)); }

// In the asked thread. backtrace has been called before, so that it allocates nothing here.
void Answer(int) {
  const int error = errno;
  Request* request = asked.load();
  if (request != nullptr && request->thread == ThisThread()) {
    request->count = backtrace(request->frames, kFramesMax);
    sem_post(&request->answered);
  }
  errno = error;
}

bool Await(Request* request) {
  timespec until{};
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += kPatienceNs;
  until.tv_sec += until.tv_nsec / 1'000'000'000;
  until.tv_nsec %= 1'000'000'000;
  int result = 0;
  do {
    result = sem_timedwait(&request->answered, &until);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

std::string FirstLineOf(pid_t thread, const char* file) {
  std::string line;
  std::getline(std::ifstream("/proc/self/task/" + std::to_string(thread) + "/" + file), line);
  return line;
}

// "/a/program(_Z3foov+0x12) [0x55]" as "foo()+0x12 in program".
std::string Readable(const std::string& symbol) {
  const size_t open = symbol.find('('), plus = symbol.find('+', open),
               close = symbol.find(')', open);
  if (open == std::string::npos || plus == std::string::npos || close == std::string::npos) {
    return symbol;
  }
  const std::string name = symbol.substr(open + 1, plus - open - 1);
  int failed = 1;
  const std::unique_ptr<char, decltype(&std::free)> plain(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &failed), &std::free);
  return (failed == 0 ? plain.get() : name) + symbol.substr(plus, close - plus) + " in " +
         std::filesystem::path(symbol.substr(0, open)).filename().string();
}

void WriteStack(int fd, pid_t thread, const Request* answer) {
  dprintf(fd, "thread %d \"%s\"%s%s\n", thread, FirstLineOf(thread, "comm").c_str(),
          answer ? "" : " does not answer; it waits in the kernel for ",
          answer ? "" : FirstLineOf(thread, "wchan").c_str());
  if (answer == nullptr) return;
  const std::unique_ptr<char*, decltype(&std::free)> symbols(
      backtrace_symbols(answer->frames, answer->count), &std::free);
  for (int i = std::min(kFramesOfSignal, answer->count); symbols && i < answer->count; ++i) {
    dprintf(fd, "  %s\n", Readable(symbols.get()[i]).c_str());
  }
}

std::vector<pid_t> Threads() {
  std::vector<pid_t> threads;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    threads.push_back(std::atoi(entry.path().filename().c_str()));
  }
  std::sort(threads.begin(), threads.end());
  // The first thread is the process's own: the end of a log is what is read first.
  std::reverse(threads.begin(), threads.end());
  return threads;
}

}  // namespace

void PrepareStacks() {
  void* frame = nullptr;
  backtrace(&frame, 1);
  struct sigaction action {};
  action.sa_handler = Answer;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(Signal(), &action, nullptr);
}

void DumpStacks(int fd) {
  for (const pid_t thread : Threads()) {
    if (thread == ThisThread()) continue;
    auto request = std::make_unique<Request>(thread);
    asked = request.get();
    if (syscall(SYS_tgkill, getpid(), thread, Signal()) != 0) continue;  // it has ended
    const bool answered = Await(request.get());
    asked = nullptr;
    WriteStack(fd, thread, answered ? request.get() : nullptr);
    if (!answered) KeepForGood(std::move(request));
  }
}

}  // namespace ocellus::trainer
