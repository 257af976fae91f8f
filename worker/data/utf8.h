// Code points to bytes and back.
#pragma once

#include <cstdint>
#include <string>

namespace ocellus::data {

// The code point's bytes. REQUIRES: at most 0x10FFFF and no surrogate.
std::string Utf8(uint32_t code_point);
std::string Utf8(const std::u32string& text);

// Each malformed sequence becomes U+FFFD.
std::u32string FromUtf8(const std::string& bytes);

}  // namespace ocellus::data
