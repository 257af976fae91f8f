#include "coordinator/client/address.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace ocellus::coordinator {

absl::Status CheckAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  const bool well_formed = colon != std::string::npos && colon > 0 &&
                           absl::SimpleAtoi(address.substr(colon + 1), &port) && port > 0 &&
                           port <= 65535;
  if (well_formed) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", address, "\" is not HOST:PORT; for example 127.0.0.1:7410"));
}

bool IsLoopback(const std::string& address) {
  return absl::StartsWith(address, "127.") || absl::StartsWith(address, "localhost:") ||
         absl::StartsWith(address, "[::1]:");
}

}  // namespace ocellus::coordinator
