// Errors as people read them: what happened, and the next command.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace ocellus::cli {

// Without "ocellus: " in front; may have several lines. `address` is where the call went.
std::string ErrorText(const absl::Status& status, const std::string& address);

}  // namespace ocellus::cli
