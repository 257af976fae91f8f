// A status in words.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace ocellus::coordinator {

// The message, and whatever the details say beyond it: field violations, preconditions, quota, when
// to try again. `address` is where the call went: an unreachable or silent coordinator is named by
// it.
std::string Readable(const absl::Status& status, const std::string& address);

}  // namespace ocellus::coordinator
