// The arithmetic of colours on floats that hold bytes, without a branch where loops are to become
// vector code; for processors and devices alike.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define OCELLUS_ANYWHERE __host__ __device__
#else
#define OCELLUS_ANYWHERE
#endif

namespace ocellus::kernels {

OCELLUS_ANYWHERE inline float Larger(float a, float b) { return a < b ? b : a; }
OCELLUS_ANYWHERE inline float Smaller(float a, float b) { return b < a ? b : a; }

OCELLUS_ANYWHERE inline float Whole(float value) {
  return static_cast<float>(static_cast<int>(value));
}

OCELLUS_ANYWHERE inline float Cut(float value) {
  return Whole(Smaller(Larger(value, 0.0f), 255.0f));
}

// The weights of Pillow's, in 1 / 2^16.
OCELLUS_ANYWHERE inline float Luma(float red, float green, float blue) {
  return Whole((19595.0f / 65536) * red + (38470.0f / 65536) * green + (7471.0f / 65536) * blue +
               0.5f);
}

// Between `other` at factor 0 and `value` at 1, and beyond.
OCELLUS_ANYWHERE inline float Blend(float other, float value, float factor) {
  return Cut(other + factor * (value - other));
}

struct ColourCircle {
  float hue = 0;  // in sixths of the circle, [-1, 5]
  float saturation = 0;
  float value = 0;
};

OCELLUS_ANYWHERE inline ColourCircle ToCircle(float red, float green, float blue) {
  const float most = Larger(red, Larger(green, blue));
  const float range = most - Smaller(red, Smaller(green, blue));
  const float scale = range > 0 ? 1 / range : 0;
  const float of_red = (green - blue) * scale;
  const float of_green = 2 + (blue - red) * scale;
  const float of_blue = 4 + (red - green) * scale;
  const float hue = red == most ? of_red : green == most ? of_green : of_blue;
  return {range > 0 ? hue : 0, most > 0 ? range / most : 0, most};
}

// One channel of the colour at `hue`, at least 0; its offset is 5 for red, 3 for green, 1 for blue.
OCELLUS_ANYWHERE inline float FromCircle(float hue, float saturation, float value, float offset) {
  const float turned = hue + offset;
  const float place = turned - 6 * static_cast<float>(static_cast<int>(turned * (1.0f / 6)));
  const float share = Smaller(Larger(Smaller(place, 4 - place), 0.0f), 1.0f);
  return value - value * saturation * share;
}

}  // namespace ocellus::kernels
