// Ports of this machine: is one free, and who has it.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace ocellus::cli {

// OK when a program could listen on 127.0.0.1:`port` (0 always can). Else one error that names the
// port, the process that has it (when we may see it) and `flag`, which takes another.
absl::Status CheckPortFree(int port, const std::string& flag);

// "ocellus-coordinator (pid 123)" of what listens on `port`; empty when that cannot be seen.
std::string PortHolder(int port);

}  // namespace ocellus::cli
