// How a pass of the reconcile loop takes an error that one job causes.
#pragma once

#include "absl/status/status.h"

namespace ocellus::coordinator {

// The job changed under us (a cancel, say): the next pass sees it as it is.
bool IsOvertaken(const absl::Status& status);

// Whether a pass goes on after what it met at one job. Trouble of the store ends it; any other
// error is kept to be told, and must not keep the other jobs waiting.
bool GoesOn(const absl::Status& status, absl::Status* first_error);

}  // namespace ocellus::coordinator
