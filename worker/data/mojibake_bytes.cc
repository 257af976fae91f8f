#include "worker/data/mojibake_bytes.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace ocellus::data {
namespace {

// A set of bytes: 1 at those that belong to it.
class Bytes {
 public:
  // Ranges as pairs of first and last.
  Bytes(std::initializer_list<std::pair<int, int>> ranges) {
    for (const auto& [first, last] : ranges) {
      for (int byte = first; byte <= last; ++byte) has_[byte] = true;
    }
  }
  bool Has(char byte) const { return has_[static_cast<unsigned char>(byte)]; }

 private:
  std::array<bool, 256> has_{};
};

using Pattern = std::vector<Bytes>;

const Bytes kSpace{{0x20, 0x20}};
const Bytes kMore{{0x80, 0xBF}};
const Bytes kMoreButA0{{0x80, 0x84}, {0x86, 0x9F}, {0xA1, 0xBF}};
const Bytes kLost{{0x1A, 0x1A}}, kLostOrAsked{{0x1A, 0x1A}, {0x3F, 0x3F}};
const Bytes kLostOrMore{{0x1A, 0x1A}, {0x80, 0xBF}};
const Bytes kAny{{0x1A, 0x1A}, {0x3F, 0x3F}, {0x80, 0xBF}};

// Only letters that are likely before a no-break space; no 4-byte sequences but those of emoji.
const std::vector<Pattern>& Spaced() {
  static const auto* patterns = new std::vector<Pattern>{
      {{{0xC2, 0xC3}, {0xC5, 0xC5}, {0xCE, 0xCE}, {0xD0, 0xD0}, {0xD9, 0xD9}}, kSpace},
      {{{0xE2, 0xE3}}, kSpace, kMoreButA0},
      {{{0xE0, 0xE3}}, kMoreButA0, kSpace},
      {{{0xF0, 0xF0}}, kSpace, kMore, kMore},
      {{{0xF0, 0xF0}}, kMore, kSpace, kMore},
      {{{0xF0, 0xF0}}, kMore, kMore, kSpace}};
  return *patterns;
}

const std::vector<Pattern>& Lossy() {
  const Bytes ed{{0xED, 0xED}}, high{{0xA0, 0xAF}}, low{{0xB0, 0xBF}};
  const Bytes three{{0xE0, 0xEF}}, four{{0xF0, 0xF4}};
  static const auto* patterns =
      new std::vector<Pattern>{{{{0xC2, 0xDF}}, kLost},
                               {{{0xC2, 0xC3}}, {{0x3F, 0x3F}}},
                               {ed, high, kLostOrAsked, ed, low, kAny},
                               {ed, high, kAny, ed, low, kLostOrAsked},
                               {three, kLostOrAsked, kLostOrMore},
                               {three, kLostOrMore, kLostOrAsked},
                               {four, kLostOrAsked, kLostOrMore, kLostOrMore},
                               {four, kLostOrMore, kLostOrAsked, kLostOrMore},
                               {four, kLostOrMore, kLostOrMore, kLostOrAsked},
                               {kLost}};
  return *patterns;
}

// The length of the first pattern that fits at `at`, or 0.
size_t Match(const std::vector<Pattern>& patterns, const std::string& bytes, size_t at) {
  for (const Pattern& pattern : patterns) {
    if (at + pattern.size() > bytes.size()) continue;
    size_t i = 0;
    while (i < pattern.size() && pattern[i].Has(bytes[at + i])) ++i;
    if (i == pattern.size()) return i;
  }
  return 0;
}

// What fits a pattern, replaced; left to right.
template <typename Replace>
std::string Replaced(const std::vector<Pattern>& patterns, const std::string& bytes,
                     Replace replace) {
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    const size_t length = Match(patterns, bytes, at);
    out += length > 0 ? replace(bytes.substr(at, length)) : bytes.substr(at, 1);
    at += std::max<size_t>(length, 1);
  }
  return out;
}

// "Ã " before a word is the word "à"; Portuguese joins it to some.
std::string RestoreGraveWords(const std::string& bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size(); ++at) {
    out += bytes[at];
    if (bytes[at] != '\xC3' || at + 1 == bytes.size() || bytes[at + 1] != ' ') continue;
    const std::string_view rest = std::string_view(bytes).substr(at + 2);
    bool joined = false;
    for (const char* word : {" ", "quele", "quela", "quilo", "s "}) {
      joined = joined || rest.starts_with(word);
    }
    if (joined) continue;
    out += "\xA0 ";
    ++at;
  }
  return out;
}

// One character of strict UTF-8 at `at`; its length, or 0.
size_t DecodeOne(const std::string& bytes, size_t at, char32_t* c) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[at + i]); };
  const unsigned char first = byte(0);
  const size_t length = first < 0x80                    ? 1
                        : first >= 0xC2 && first < 0xE0 ? 2
                        : first >= 0xE0 && first < 0xF0 ? 3
                        : first >= 0xF0 && first < 0xF5 ? 4
                                                        : 0;
  if (length == 0 || at + length > bytes.size()) return 0;
  *c = length == 1 ? first : first & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    *c = *c << 6 | (byte(i) & 0x3F);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool good = *c >= kLeast[length] && *c <= 0x10FFFF && (*c < 0xD800 || *c > 0xDFFF);
  return good ? length : 0;
}

// Two surrogates of three bytes each: 6, or 0.
size_t DecodePair(const std::string& bytes, size_t at, char32_t* c) {
  static const std::vector<Pattern> pair{
      {{{0xED, 0xED}}, {{0xA0, 0xAF}}, kMore, {{0xED, 0xED}}, {{0xB0, 0xBF}}, kMore}};
  if (Match(pair, bytes, at) == 0) return 0;
  const auto bits = [&](size_t i, int mask) { return static_cast<char32_t>(bytes[at + i] & mask); };
  *c = (bits(1, 0x0F) << 16) + (bits(2, 0x3F) << 10) + (bits(4, 0x0F) << 6) + bits(5, 0x3F) +
       0x10000;
  return 6;
}

}  // namespace

std::string RestoreNoBreakSpaces(const std::string& bytes) {
  bool any = false;
  for (size_t at = 0; at < bytes.size() && !any; ++at) any = Match(Spaced(), bytes, at) > 0;
  if (!any) return bytes;
  return Replaced(Spaced(), RestoreGraveWords(bytes), [](std::string found) {
    std::replace(found.begin(), found.end(), ' ', '\xA0');
    return found;
  });
}

std::string ReplaceLostBytes(const std::string& bytes) {
  return Replaced(Lossy(), bytes, [](const std::string&) { return std::string("\xEF\xBF\xBD"); });
}

std::optional<std::u32string> DecodeUtf8(const std::string& bytes) {
  std::u32string text;
  for (size_t at = 0; at < bytes.size();) {
    char32_t c = 0;
    size_t length = DecodePair(bytes, at, &c);
    if (length == 0 && bytes.compare(at, 2, "\xC0\x80") == 0) length = 2, c = 0;
    if (length == 0) length = DecodeOne(bytes, at, &c);
    if (length == 0) return std::nullopt;
    text += c;
    at += length;
  }
  return text;
}

}  // namespace ocellus::data
