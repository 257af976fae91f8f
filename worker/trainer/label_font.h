// A font of 5 x 7 dots for the labels of picture grids.
#pragma once

#include <array>
#include <cstdint>

namespace ocellus::trainer {

inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 7;

// Rows from the top; bit 4 is the leftmost dot.
using Glyph = std::array<uint8_t, kGlyphHeight>;

// The glyph of a lower-case letter or digit; an empty one for anything else.
const Glyph& GlyphOf(char letter);

}  // namespace ocellus::trainer
