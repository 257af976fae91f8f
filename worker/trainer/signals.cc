#include "worker/trainer/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "worker/trainer/stacks.h"

namespace ocellus::trainer {

void StopOnSignals(Control* control) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGQUIT);
  PrepareStacks();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals, control] {
    bool asked = false;
    for (;;) {
      int number = 0;
      sigwait(&signals, &number);
      if (number == SIGQUIT) {
        DumpStacks(STDERR_FILENO);
        continue;
      }
      if (asked) _exit(128 + number);
      control->RequestStop({number == SIGINT ? "interrupted" : "SIGTERM", 0, true});
      asked = true;
    }
  }).detach();
}

}  // namespace ocellus::trainer
