#include "worker/data/mojibake.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <optional>

#include "worker/data/mojibake_bytes.h"
#include "worker/data/mojibake_tables.h"

namespace ocellus::data {
namespace {

bool IsAscii(char32_t c) { return c < 0x80; }
bool IsC1(char32_t c) { return c >= 0x80 && c < 0xA0; }

// Python's \w and \s.
bool IsWord(char32_t c) {
  return c == '_' || (U_MASK(u_charType(static_cast<UChar32>(c))) & (U_GC_L_MASK | U_GC_N_MASK));
}
bool IsSpace(char32_t c) {
  return u_isUWhiteSpace(static_cast<UChar32>(c)) || (c >= 0x1C && c <= 0x1F);
}

bool Matches(const MojibakeRule& rule, const std::u32string& text, size_t at) {
  if ((rule.at_start && at > 0) || at + rule.classes.size() > text.size()) return false;
  for (size_t i = 0; i < rule.classes.size(); ++i) {
    if (!rule.classes[i].Has(text[at + i])) return false;
  }
  return true;
}

bool LooksWrong(const std::u32string& text) {
  if (std::all_of(text.begin(), text.end(), IsAscii)) return false;
  for (size_t at = 0; at < text.size(); ++at) {
    for (const MojibakeRule& rule : kMojibakeRules) {
      if (Matches(rule, text, at)) return true;
    }
  }
  return false;
}

// The text's bytes in the encoding, when it has all of its characters.
std::optional<std::string> Encode(const std::u32string& text, const ByteEncoding& encoding) {
  const auto& characters = encoding.characters;
  std::string bytes;
  for (const char32_t c : text) {
    const bool plain = IsAscii(c) && c != 0x1A;
    const auto found =
        plain ? characters.begin() + c : std::find(characters.begin(), characters.end(), c);
    if (found == characters.end()) return std::nullopt;
    bytes += static_cast<char>(found - characters.begin());
  }
  return bytes;
}

// The whole text, read again as UTF-8.
std::optional<std::u32string> Decoded(const std::u32string& text, const ByteEncoding& encoding) {
  std::optional<std::string> bytes = Encode(text, encoding);
  if (!bytes) return std::nullopt;
  if (encoding.restores_spaces) bytes = RestoreNoBreakSpaces(*bytes);
  if (encoding.sloppy) bytes = ReplaceLostBytes(*bytes);
  return DecodeUtf8(*bytes);
}

// How many characters from `at` look like one character's UTF-8 bytes; 0 when they do not.
size_t SequenceLength(const std::u32string& text, size_t at) {
  const auto continued = [&](size_t count) {
    if (at + count >= text.size()) return false;
    return std::all_of(text.begin() + at + 1, text.begin() + at + 1 + count,
                       [](char32_t c) { return kUtf8Continuation.Has(c); });
  };
  if (kUtf8FirstOf2.Has(text[at]) && continued(1)) return 2;
  if (kUtf8FirstOf3.Has(text[at]) && continued(2)) return 3;
  if (kUtf8FirstOf4.Has(text[at]) && continued(3)) return 4;
  return 0;
}

// Parts that look wrongly decoded, each repaired alone.
std::u32string FixParts(const std::u32string& text) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    if (at == 0 || !kUtf8ContinuationStrict.Has(text[at - 1])) {
      while (end < text.size()) {
        const size_t length = SequenceLength(text, end);
        if (length == 0) break;
        end += length;
      }
    }
    const std::u32string part = text.substr(at, std::max<size_t>(end - at, 1));
    const bool whole = part.size() == text.size();
    out += end > at && !whole && LooksWrong(part) ? FixEncoding(part) : part;
    at += part.size();
  }
  return out;
}

// Latin-1's control characters as Windows-1252 has them.
std::u32string FixControls(std::u32string text) {
  const ByteEncoding& windows = kByteEncodings[1];
  for (char32_t& c : text) {
    if (IsC1(c)) c = windows.characters[c];
  }
  return text;
}

std::u32string FixOnce(const std::u32string& text) {
  if (!LooksWrong(text)) return text;
  for (const ByteEncoding& encoding : kByteEncodings) {
    if (auto fixed = Decoded(text, encoding)) return *std::move(fixed);
  }
  std::u32string parts = FixParts(text);
  return parts != text ? parts : FixControls(text);
}

}  // namespace

bool CharacterClass::Has(char32_t c) const {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), c,
                       [](char32_t wanted, const auto& range) { return wanted < range.first; });
  const bool in_range = after != ranges.begin() && c <= std::prev(after)->second;
  const bool in_category = (category == kWord && IsWord(c)) || (category == kSpace && IsSpace(c));
  return (in_range || in_category) != negated;
}

std::u32string FixEncoding(std::u32string text) {
  for (std::u32string before; before != text;) {
    before = text;
    text = FixOnce(text);
  }
  return text;
}

}  // namespace ocellus::data
