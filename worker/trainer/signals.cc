#include "worker/trainer/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

namespace ocellus::trainer {

void StopOnSignals(Control* control) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals, control] {
    int number = 0;
    sigwait(&signals, &number);
    control->RequestStop({number == SIGINT ? "interrupted" : "SIGTERM", 0, true});
    sigwait(&signals, &number);
    _exit(128 + number);
  }).detach();
}

}  // namespace ocellus::trainer
