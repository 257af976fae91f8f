#include "worker/store/encoding.h"

#include <algorithm>
#include <cctype>

namespace ocellus::store {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr char kBase64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Hex(std::span<const uint8_t> bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    hex += kHexDigits[byte >> 4];
    hex += kHexDigits[byte & 15];
  }
  return hex;
}

std::string Base64(std::span<const uint8_t> bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j) bits = bits << 8 | (j < count ? bytes[i + j] : 0);
    for (size_t j = 0; j < 4; ++j) {
      text += j <= count ? kBase64Digits[bits >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

std::optional<std::string> FromBase64(std::string_view text) {
  std::string bytes;
  if (text.size() % 4 != 0) return std::nullopt;
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t bits = 0;
    size_t digits = 0, seen = 0;
    for (const char c : text.substr(i, 4)) {
      const size_t value = c == '=' ? 64 : std::string_view(kBase64Digits).find(c);
      const bool after_padding = value < 64 && digits < seen;
      if (value == std::string_view::npos || after_padding) return std::nullopt;
      bits = bits << 6 | static_cast<uint32_t>(value & 63);
      digits += value < 64;
      ++seen;
    }
    const bool last = i + 4 == text.size();
    if (digits < 2 || (digits < 4 && !last)) return std::nullopt;
    for (size_t j = 0; j + 1 < digits; ++j) bytes += static_cast<char>(bits >> (16 - 8 * j));
  }
  return bytes;
}

std::string PercentEncode(std::string_view text, bool keep_slash) {
  std::string encoded;
  encoded.reserve(text.size() + 16);
  for (const char c : text) {
    if (IsUnreserved(c) || (keep_slash && c == '/')) {
      encoded += c;
      continue;
    }
    const uint8_t byte = static_cast<uint8_t>(c);
    encoded += '%';
    encoded += static_cast<char>(std::toupper(kHexDigits[byte >> 4]));
    encoded += static_cast<char>(std::toupper(kHexDigits[byte & 15]));
  }
  return encoded;
}

std::string PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = high >= 0 ? HexValue(text[i + 2]) : -1;
    if (low >= 0) {
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

std::string BasicTime(time_t at) {
  std::tm utc{};
  gmtime_r(&at, &utc);
  char text[32];
  strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &utc);
  return text;
}

std::optional<time_t> ParseTime(const std::string& text) {
  for (const char* form : {"%a, %d %b %Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S"}) {
    std::tm utc{};
    if (strptime(text.c_str(), form, &utc) != nullptr) return timegm(&utc);
  }
  return std::nullopt;
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}

std::string OneLine(std::string_view text, size_t bytes_max) {
  std::string line(text.substr(0, bytes_max));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text.size() > bytes_max ? line + "..." : line;
}

}  // namespace ocellus::store
