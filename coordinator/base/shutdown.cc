#include "coordinator/base/shutdown.h"

#include <algorithm>
#include <csignal>

namespace ocellus::coordinator {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

ShutdownSignal::ShutdownSignal() {
  sigset_t set = StopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int ShutdownSignal::Wait(absl::Duration timeout) {
  sigset_t set = StopSignals();
  const timespec wait = absl::ToTimespec(std::min(timeout, absl::Hours(24 * 365)));
  return std::max(0, sigtimedwait(&set, nullptr, &wait));
}

void RestoreSignals() {
  sigset_t set = StopSignals();
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
}

}  // namespace ocellus::coordinator
