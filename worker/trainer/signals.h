// SIGTERM and SIGINT are a request to stop like the one on the pipe; SIGQUIT asks where all threads
// stand.
#pragma once

#include "worker/trainer/control.h"

namespace ocellus::trainer {

// From now on the first SIGTERM or SIGINT asks `control` for a stop with a checkpoint, and the
// second ends the process at once; each SIGQUIT writes every thread's stack to stderr, and training
// goes on. Call it before other threads start. `control` lives as long as the process.
void StopOnSignals(Control* control);

}  // namespace ocellus::trainer
