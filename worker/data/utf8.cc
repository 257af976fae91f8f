#include "worker/data/utf8.h"

#include <unicode/utf8.h>

namespace ocellus::data {

std::string Utf8(uint32_t code_point) { return Utf8(std::u32string(1, code_point)); }

std::string Utf8(const std::u32string& text) {
  std::string bytes;
  for (const char32_t c : text) {
    char buffer[U8_MAX_LENGTH];
    int32_t length = 0;
    U8_APPEND_UNSAFE(buffer, length, static_cast<UChar32>(c));
    bytes.append(buffer, length);
  }
  return bytes;
}

std::u32string FromUtf8(const std::string& bytes) {
  std::u32string text;
  const auto size = static_cast<int32_t>(bytes.size());
  for (int32_t at = 0; at < size;) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(bytes.data(), at, size, c);
    text += static_cast<char32_t>(c);
  }
  return text;
}

}  // namespace ocellus::data
