#include "worker/data/augment/background.h"

#include <cstring>

#include "worker/data/png_decoder.h"

namespace ocellus::data {
namespace {

constexpr uint8_t kHalf = 128;  // values from here on are the object
constexpr uint8_t kGray = 128;

std::string Text(ImageSize size) {
  return std::to_string(size.width) + " x " + std::to_string(size.height);
}

// A mask of so small or large a share of the image says nothing about where the object is.
bool IsOfUse(const Pixels& mask) {
  const int64_t all = int64_t{mask.area.width} * mask.area.height;
  int64_t shown = 0;
  for (int64_t i = 0; i < all; ++i) shown += mask.bytes[4 * i] >= kHalf;
  return shown * 100 >= all && shown * 100 <= all * 99;
}

}  // namespace

bool CheckMask(std::string_view mask, ImageSize image, std::string* problem) {
  ImageSize size;
  if (!ReadPngSize(mask, &size, problem)) {
    *problem = "its mask: " + *problem;
    return false;
  }
  if (size.width == image.width && size.height == image.height) return true;
  *problem = "its mask is " + Text(size) + ", the image " + Text(image);
  return false;
}

bool RemoveBackground(std::string_view mask, const Pixels& pixels, Pixels* out, bool* removed,
                      std::string* problem) {
  Pixels shown;
  if (!DecodePng(mask, &shown, problem)) {
    *problem = "its mask: " + *problem;
    return false;
  }
  *removed = IsOfUse(shown);
  if (!*removed) return true;
  *out = pixels;
  uint8_t* to = out->bytes.data();
  for (int y = 0; y < pixels.area.height; ++y) {
    const uint8_t* is_object = shown.At(pixels.area.x, pixels.area.y + y);
    for (int x = 0; x < pixels.area.width; ++x, to += 4) {
      if (is_object[4 * x] < kHalf) std::memset(to, kGray, 4);
    }
  }
  return true;
}

}  // namespace ocellus::data
