// A rank's life between its document and its exit record.
#pragma once

#include "worker/trainer/control.h"
#include "worker/trainer/reporter.h"
#include "worker/wire/document.h"
#include "worker/wire/event.h"

namespace ocellus::trainer {

// Trains as `document` says, until the last step or until `control` asks for a stop. `listen_fd`: a
// socket that listens on master_port already, for rank 0, or -1. Every exception becomes a record;
// the process should end after it.
wire::ExitRecord Train(const wire::Document& document, int listen_fd, Control& control,
                       Reporter& reporter);

}  // namespace ocellus::trainer
