// Decoded pixels and rectangles among them.
#pragma once

#include <cstdint>
#include <vector>

namespace ocellus::data {

struct ImageSize {
  int width = 0;
  int height = 0;
};

struct Rect {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  bool operator==(const Rect&) const = default;
};

// Part of an image, four bytes a pixel: red, green, blue, and one that means nothing. Four, because
// the resize then works on whole 32-bit words.
struct Pixels {
  Rect area;  // where the part lies in the image
  std::vector<uint8_t> bytes;

  int64_t stride() const { return int64_t{4} * area.width; }
  // The pixel at (x, y) of the *image*, which must lie in `area`.
  const uint8_t* At(int x, int y) const {
    return bytes.data() + (y - area.y) * stride() + int64_t{4} * (x - area.x);
  }
};

}  // namespace ocellus::data
