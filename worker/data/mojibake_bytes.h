// Bytes that should be UTF-8: what may have happened to them, and reading them.
#pragma once

#include <optional>
#include <string>

namespace ocellus::data {

// Spaces that were the byte 0xA0 become it again, where a sequence of UTF-8 comes out of it; "Ã"
// alone before a word becomes "à".
std::string RestoreNoBreakSpaces(const std::string& bytes);

// Sequences that lost a byte (0x1A, in some places '?') become U+FFFD in UTF-8.
std::string ReplaceLostBytes(const std::string& bytes);

// Strict UTF-8, but with CESU-8's pairs of surrogates and Java's C0 80; nothing for other bytes.
std::optional<std::u32string> DecodeUtf8(const std::string& bytes);

}  // namespace ocellus::data
