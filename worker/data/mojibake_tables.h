// What ftfy (https://github.com/rspeer/python-ftfy) knows of text that was decoded in a wrong
// encoding; written at build time by mojibake_tables.py from the installed package, and empty
// without it.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace ocellus::data {

// A set of characters: those in the ranges or of the category, or with `negated` all others.
struct CharacterClass {
  enum Category { kNone, kWord, kSpace };

  std::vector<std::pair<char32_t, char32_t>> ranges;  // first and last, sorted, apart
  bool negated = false;
  Category category = kNone;

  bool Has(char32_t c) const;
};

// Characters of these classes, one after the other, are hardly ever meant.
struct MojibakeRule {
  bool at_start = false;  // of the text only
  std::vector<CharacterClass> classes;
};
extern const std::vector<MojibakeRule> kMojibakeRules;

// What the 256 bytes are in an encoding of one byte a character.
struct ByteEncoding {
  std::array<char32_t, 256> characters;
  bool sloppy = false;          // bytes that it lacks stand for themselves, 0x1A for U+FFFD
  bool restores_spaces = true;  // whether a space in it may have been a no-break space
};
extern const std::vector<ByteEncoding> kByteEncodings;  // in the order in which to try them

// Characters that the first and the further bytes of UTF-8 are in such encodings.
extern const CharacterClass kUtf8FirstOf2, kUtf8FirstOf3, kUtf8FirstOf4;
extern const CharacterClass kUtf8Continuation, kUtf8ContinuationStrict;

}  // namespace ocellus::data
