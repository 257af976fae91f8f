#include "worker/store/object_key.h"

#include <algorithm>
#include <cstdint>

#include "worker/store/encoding.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

constexpr size_t kKeyBytesMax = 1024;
constexpr size_t kPartBytesMax = 255;

// Well-formed UTF-8 without overlong forms, surrogates and code points past U+10FFFF.
bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const uint8_t first = static_cast<uint8_t>(text[i]);
    const size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || i + more >= text.size()) return false;
    uint32_t code = more == 0 ? first : first & (0x3f >> more);
    for (size_t j = 1; j <= more; ++j) {
      const uint8_t next = static_cast<uint8_t>(text[i + j]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3f);
    }
    constexpr uint32_t kLeast[4] = {0, 0x80, 0x800, 0x10000};
    if (code < kLeast[more] || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return false;
    i += more + 1;
  }
  return true;
}

bool IsKeyCharacter(char c) {
  return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '\\';
}

// `last_may_be_partial`: the last part may be empty, "." or "..".
bool PartsAreGood(std::string_view key, bool last_may_be_partial) {
  for (;;) {
    const size_t slash = key.find('/');
    const std::string_view part = key.substr(0, slash);
    if (slash == std::string_view::npos) {
      return IsKeyPart(part) ||
             (last_may_be_partial && (part.empty() || part == "." || part == ".."));
    }
    if (!IsKeyPart(part)) return false;
    key.remove_prefix(slash + 1);
  }
}

[[noreturn]] void Refuse(const std::string& store_uri, const std::string& key) {
  throw wire::Fault(
      wire::FaultClass::kStorage, "BAD_KEY",
      "store " + store_uri + ": '" + OneLine(key) + "' is not a key",
      "keys are parts joined by '/', none empty, '.', '..' or beginning with '~', without "
      "control characters and '\\\\'");
}

}  // namespace

bool IsKeyPart(std::string_view part) {
  return !part.empty() && part.size() <= kPartBytesMax && part != "." && part != ".." &&
         part[0] != '~' && std::all_of(part.begin(), part.end(), IsKeyCharacter) && IsUtf8(part);
}

void RequireKey(const std::string& store_uri, const std::string& key) {
  if (key.size() > kKeyBytesMax || !PartsAreGood(key, false)) Refuse(store_uri, key);
}

void RequirePrefix(const std::string& store_uri, const std::string& prefix) {
  if (prefix.size() > kKeyBytesMax || !PartsAreGood(prefix, true)) Refuse(store_uri, prefix);
}

}  // namespace ocellus::store
