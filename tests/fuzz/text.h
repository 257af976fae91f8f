// The bytes of one run, as parsers take them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace ocellus {

inline std::string TextOf(const uint8_t* data, size_t size) {
  return std::string(reinterpret_cast<const char*>(data), size);
}

}  // namespace ocellus
