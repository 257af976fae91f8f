// Small files that others write: credentials, configurations, templates.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace ocellus::coordinator {

inline constexpr size_t kTextFileBytesMax = 4 << 20;

// The content without white space at its end. NOT_FOUND with the path and the system's words;
// RESOURCE_EXHAUSTED above kTextFileBytesMax.
absl::StatusOr<std::string> ReadTextFile(const std::string& path);

}  // namespace ocellus::coordinator
