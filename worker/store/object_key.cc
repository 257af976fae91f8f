#include "worker/store/object_key.h"

#include <algorithm>

#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

constexpr size_t kKeyBytesMax = 1024;
constexpr size_t kPartBytesMax = 255;

bool IsKeyCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
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
  throw wire::Fault(wire::FaultClass::kStorage, "BAD_KEY",
                    "store " + store_uri + ": '" + key.substr(0, kKeyBytesMax) + "' is not a key",
                    "keys are parts of [A-Za-z0-9._-] joined by '/', none empty, '.' or '..'");
}

}  // namespace

bool IsKeyPart(std::string_view part) {
  return !part.empty() && part.size() <= kPartBytesMax && part != "." && part != ".." &&
         std::all_of(part.begin(), part.end(), IsKeyCharacter);
}

void RequireKey(const std::string& store_uri, const std::string& key) {
  if (key.size() > kKeyBytesMax || !PartsAreGood(key, false)) Refuse(store_uri, key);
}

void RequirePrefix(const std::string& store_uri, const std::string& prefix) {
  if (prefix.size() > kKeyBytesMax || !PartsAreGood(prefix, true)) Refuse(store_uri, prefix);
}

}  // namespace ocellus::store
