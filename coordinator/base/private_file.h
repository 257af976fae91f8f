// Small files that must be whole, or that only we may read.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace ocellus::coordinator {

enum class Readers { kOwner, kEverybody };

// Replaces `path` in one step; never with wider permissions in between. Makes the folder (0700).
// UNAVAILABLE with the reason.
absl::Status WriteWhole(const std::string& path, const std::string& content, Readers readers);

// NOT_FOUND, or UNAVAILABLE with the reason.
absl::StatusOr<std::string> ReadWhole(const std::string& path);

// A secret from a file, without blanks around it.
absl::StatusOr<std::string> ReadSecret(const std::string& path);

// A secret of 256 random bits: `prefix` and 43 characters of [A-Za-z0-9_-].
std::string NewSecret(const std::string& prefix);

}  // namespace ocellus::coordinator
