// What is UTF-8 (Unicode 15, table 3-7) and what only looks like it.
#pragma once

#include <cstddef>
#include <string_view>

namespace ocellus::schema {

// Length of the character at the beginning of `text`, 0 when there is none: bytes cut off, overlong
// forms, surrogates, beyond U+10FFFF. JSON with one of those can be neither written nor read.
// REQUIRES: `text` is not empty.
constexpr size_t Utf8CharacterBytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f)) return 0;
  if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) return 0;
  return size;
}

}  // namespace ocellus::schema
