#include "worker/data/html_text.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <optional>

#include "worker/data/html_entities.h"
#include "worker/data/utf8.h"

namespace ocellus::data {
namespace {

constexpr size_t kLongestName = 32;                   // characters of a name in Python's pattern
constexpr size_t kLongestCertain = 24;                // in ftfy's
constexpr uint32_t kTooLarge = 0x7fffffff;            // where larger numbers are held
constexpr const char* kReplacement = "\xEF\xBF\xBD";  // U+FFFD

std::optional<std::string_view> Find(const std::vector<NamedCharacter>& table,
                                     std::string_view name) {
  const auto at = std::lower_bound(
      table.begin(), table.end(), name,
      [](const NamedCharacter& entry, std::string_view wanted) { return entry.name < wanted; });
  if (at == table.end() || at->name != name) return std::nullopt;
  return at->text;
}

std::string Character(uint32_t number) {
  if (const auto corrected = Find(kHtmlNumbers, std::to_string(number))) {
    return std::string(*corrected);
  }
  if ((number >= 0xD800 && number <= 0xDFFF) || number > 0x10FFFF) return kReplacement;
  return Utf8(number);
}

// "&#233;" or "&#xe9" at `begin`; the end of it in `end`. False when it is none.
bool Number(const std::string& text, size_t begin, size_t* end, uint32_t* number) {
  size_t at = begin + 2;
  const bool hex = at < text.size() && (text[at] == 'x' || text[at] == 'X');
  if (hex) ++at;
  const size_t digits = at;
  uint64_t value = 0;
  const auto is_digit = [&](unsigned char c) { return hex ? std::isxdigit(c) : std::isdigit(c); };
  for (; at < text.size() && is_digit(text[at]); ++at) {
    const int digit = std::isdigit(static_cast<unsigned char>(text[at]))
                          ? text[at] - '0'
                          : std::tolower(text[at]) - 'a' + 10;
    value = std::min<uint64_t>(value * (hex ? 16 : 10) + digit, kTooLarge);
  }
  if (at == digits) return false;
  if (at < text.size() && text[at] == ';') ++at;
  *end = at;
  *number = static_cast<uint32_t>(value);
  return true;
}

// The end of a name that begins at `begin`, by Python's pattern: up to 32 characters, and a ';'.
size_t NameEnd(const std::string& text, size_t begin) {
  size_t at = begin;
  for (size_t length = 0; at < text.size() && length < kLongestName; ++length) {
    if (text[at] == '\0' || std::strchr("\t\n\f <&#;", text[at]) != nullptr) break;
    ++at;
    while (at < text.size() && (text[at] & 0xC0) == 0x80) ++at;
  }
  return at > begin && at < text.size() && text[at] == ';' ? at + 1 : at;
}

// The longest name that stands for something, and what follows it; no name: as it is.
std::string Named(const std::string& name) {
  if (const auto whole = Find(kHtmlNames, name)) return std::string(*whole);
  for (size_t length = name.size(); length-- > 2;) {
    if (const auto part = Find(kHtmlNames, std::string_view(name).substr(0, length))) {
      return std::string(*part) + name.substr(length);
    }
  }
  return "&" + name;
}

// ftfy's reading of "&...;", or the text itself.
std::string Certain(const std::string& reference) {
  const std::string name = reference.substr(1);
  if (const auto text = Find(kHtmlNames, name)) return std::string(*text);
  if (const auto text = Find(kHtmlCapitals, name)) return std::string(*text);
  if (name[0] != '#') return reference;
  const std::string text = UnescapeHtml(reference);
  return text.find(';') == std::string::npos ? text : reference;
}

}  // namespace

std::string UnescapeHtml(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    uint32_t number = 0;
    size_t end = 0;
    if (text[at] != '&') {
      out += text[at++];
    } else if (at + 1 < text.size() && text[at + 1] == '#') {
      if (Number(text, at, &end, &number)) {
        out += Character(number);
        at = end;
      } else {
        out += text[at++];
      }
    } else if (end = NameEnd(text, at + 1); end > at + 1) {
      out += Named(text.substr(at + 1, end - at - 1));
      at = end;
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string UnescapeCertainHtml(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    if (text[at] == '&') {
      if (end < text.size() && text[end] == '#') ++end;
      const size_t name = end;
      while (end < text.size() && end - name <= kLongestCertain &&
             std::isalnum(static_cast<unsigned char>(text[end]))) {
        ++end;
      }
      if (end > name && end - name <= kLongestCertain && end < text.size() && text[end] == ';') {
        out += Certain(text.substr(at, end + 1 - at));
        at = end + 1;
        continue;
      }
    }
    out += text[at++];
  }
  return out;
}

}  // namespace ocellus::data
