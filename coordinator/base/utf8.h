// Text of limited length.
#pragma once

#include <cstddef>
#include <string_view>

namespace ocellus::coordinator {

// The longest beginning of `text`, which is UTF-8, of at most `bytes` that ends with a whole
// character: Protobuf refuses to read a string with half of one.
constexpr std::string_view CutUtf8(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

}  // namespace ocellus::coordinator
