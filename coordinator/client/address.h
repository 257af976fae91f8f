// Where a coordinator is.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace ocellus::coordinator {

// INVALID_ARGUMENT unless `address` is HOST:PORT ("127.0.0.1:7410", "[::1]:7410").
absl::Status CheckAddress(const std::string& address);

// Whether a coordinator at `address` runs on this machine and sees its files.
bool IsLoopback(const std::string& address);

}  // namespace ocellus::coordinator
