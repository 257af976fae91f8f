// A rank's life between its document and its exit record.
#pragma once

#include "worker/trainer/control.h"
#include "worker/trainer/reporter.h"
#include "worker/wire/document.h"
#include "worker/wire/event.h"

namespace ocellus::trainer {

// What a document does not say of how the ranks meet (worker/dist/rendezvous.h).
struct Meeting {
  int listen_fd = -1;
  bool served = false;
};

// Trains as `document` says, until the last step or until `control` asks for a stop. Every
// exception becomes a record; the process should end after it.
wire::ExitRecord Train(const wire::Document& document, const Meeting& meeting, Control& control,
                       Reporter& reporter);

}  // namespace ocellus::trainer
