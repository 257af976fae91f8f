#include "tools/pack/canvas.h"

namespace ocellus::pack {
namespace {

// A lattice point's value in [0, 1].
float Lattice(int32_t x, int32_t y, uint32_t seed) {
  uint32_t h = static_cast<uint32_t>(x) * 0x9E3779B1u ^ static_cast<uint32_t>(y) * 0x85EBCA77u ^
               seed * 0xC2B2AE3Du;
  h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
  h = (h ^ (h >> 12)) * 0x297A2D39u;
  return static_cast<float>((h ^ (h >> 15)) >> 8) * 0x1p-24f;
}

}  // namespace

Color Hsv(float hue, float saturation, float value) {
  const auto channel = [&](float offset) {
    const float turn = (hue + offset - std::floor(hue + offset)) * 6;
    const float ramp = Clamp01(std::fabs(turn - 3) - 1);
    return value * (1 - saturation * (1 - ramp));
  };
  return {channel(0), channel(2.0f / 3), channel(1.0f / 3)};
}

float Noise(float x, float y, uint32_t seed) {
  const float fx = std::floor(x), fy = std::floor(y);
  const int32_t ix = static_cast<int32_t>(fx), iy = static_cast<int32_t>(fy);
  float tx = x - fx, ty = y - fy;
  tx = tx * tx * (3 - 2 * tx);
  ty = ty * ty * (3 - 2 * ty);
  const float top = Lattice(ix, iy, seed) * (1 - tx) + Lattice(ix + 1, iy, seed) * tx;
  const float low = Lattice(ix, iy + 1, seed) * (1 - tx) + Lattice(ix + 1, iy + 1, seed) * tx;
  return top * (1 - ty) + low * ty;
}

float Fractal(float x, float y, uint32_t seed, int octaves) {
  float sum = 0, weight = 0.5f, total = 0;
  for (int i = 0; i < octaves; ++i) {
    sum += weight * Noise(x, y, seed + static_cast<uint32_t>(i) * 101);
    total += weight;
    weight *= 0.5f;
    x = x * 2 + 17.3f;
    y = y * 2 + 9.1f;
  }
  return sum / total;
}

}  // namespace ocellus::pack
