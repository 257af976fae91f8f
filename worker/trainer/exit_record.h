// How a rank ends: every exception, signal of the standard library and lost agent becomes one
// record.
#pragma once

#include <cstdint>

#include "worker/trainer/reporter.h"
#include "worker/wire/event.h"

namespace ocellus::trainer {

// The record of the exception being handled. Call it in a catch block only.
wire::ExitRecord RecordOfCurrentException(int64_t step);

// From now on std::terminate (an exception in a thread, a broken invariant) writes a record to
// `reporter` before the process aborts. `reporter` lives as long as the process.
void InstallTerminateHandler(Reporter* reporter);

}  // namespace ocellus::trainer
