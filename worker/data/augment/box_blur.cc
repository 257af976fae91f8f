#include "worker/data/augment/box_blur.h"

#include <algorithm>
#include <cmath>

namespace ocellus::data {
namespace {

constexpr int kPasses = 3;
constexpr int kTile = 16;

void Transpose(const uint32_t* in, int width, int height, uint32_t* out) {
  for (int top = 0; top < height; top += kTile) {
    for (int left = 0; left < width; left += kTile) {
      for (int y = top; y < std::min(top + kTile, height); ++y) {
        for (int x = left; x < std::min(left + kTile, width); ++x) {
          out[int64_t{x} * height + y] = in[int64_t{y} * width + x];
        }
      }
    }
  }
}

}  // namespace

// Pillow computes it in floats but for the root and the floor.
float BoxRadius(float sigma) {
  const float variance = sigma * sigma / kPasses;
  const float length = static_cast<float>(std::sqrt(12.0 * variance + 1.0));
  const float whole = static_cast<float>(std::floor((length - 1.0) / 2.0));
  float part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
  part /= 6 * (variance - (whole + 1) * (whole + 1));
  return whole + part;
}

// Down the columns: rows are then vectors. sums_ holds, for each byte of a row, the sum over the
// box's whole part.
void BoxBlur::Pass(const uint32_t* in, int width, int height, float radius, uint32_t* out) {
  const int whole = static_cast<int>(radius);
  const uint32_t weight = static_cast<uint32_t>(static_cast<float>(1 << 24) / (radius * 2 + 1));
  const uint32_t far = ((1u << 24) - static_cast<uint32_t>(whole * 2 + 1) * weight) / 2;
  const int64_t bytes = int64_t{4} * width;
  const auto row = [&](int y) {
    return reinterpret_cast<const uint8_t*>(in + int64_t{std::clamp(y, 0, height - 1)} * width);
  };
  sums_.assign(bytes, 0);
  uint32_t* __restrict sum = sums_.data();
  for (int y = -whole - 1; y < whole; ++y) {
    const uint8_t* add = row(y);
    for (int64_t x = 0; x < bytes; ++x) sum[x] += add[x];
  }
  for (int y = 0; y < height; ++y) {
    const uint8_t* before = row(y - whole - 1);
    const uint8_t* last = row(y + whole);
    const uint8_t* after = row(y + whole + 1);
    uint8_t* __restrict to = reinterpret_cast<uint8_t*>(out + int64_t{y} * width);
    for (int64_t x = 0; x < bytes; ++x) {
      const uint32_t inside = sum[x] + last[x] - before[x];
      sum[x] = inside;
      to[x] = static_cast<uint8_t>(
          (inside * weight + (uint32_t{before[x]} + after[x]) * far + (1u << 23)) >> 24);
    }
  }
}

void BoxBlur::ThreePasses(uint32_t* pixels, int width, int height, float radius) {
  other_.resize(static_cast<size_t>(width) * height);
  Pass(pixels, width, height, radius, other_.data());
  Pass(other_.data(), width, height, radius, pixels);
  Pass(pixels, width, height, radius, other_.data());
  std::copy(other_.begin(), other_.end(), pixels);
}

void BoxBlur::Run(uint32_t* pixels, int width, int height, float sigma) {
  const float radius = BoxRadius(sigma);
  if (radius == 0) return;
  turned_.resize(static_cast<size_t>(width) * height);
  Transpose(pixels, width, height, turned_.data());
  ThreePasses(turned_.data(), height, width, radius);
  Transpose(turned_.data(), height, width, pixels);
  ThreePasses(pixels, width, height, radius);
}

}  // namespace ocellus::data
