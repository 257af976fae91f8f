// Hue, saturation and value of floats, without a branch, for loops that become vector code.
#pragma once

#include <algorithm>

namespace ocellus::data {

struct ColourCircle {
  float hue = 0;  // in sixths of the circle, [-1, 5]
  float saturation = 0;
  float value = 0;
};

inline ColourCircle ToCircle(float red, float green, float blue) {
  const float most = std::max(red, std::max(green, blue));
  const float range = most - std::min(red, std::min(green, blue));
  const float scale = range > 0 ? 1 / range : 0;
  const float of_red = (green - blue) * scale;
  const float of_green = 2 + (blue - red) * scale;
  const float of_blue = 4 + (red - green) * scale;
  const float hue = red == most ? of_red : green == most ? of_green : of_blue;
  return {range > 0 ? hue : 0, most > 0 ? range / most : 0, most};
}

// One channel of the colour at `hue`, at least 0; its offset is 5 for red, 3 for green, 1 for blue.
inline float FromCircle(float hue, float saturation, float value, float offset) {
  const float turned = hue + offset;
  const float place = turned - 6 * static_cast<float>(static_cast<int>(turned * (1.0f / 6)));
  const float share = std::min(std::max(std::min(place, 4 - place), 0.0f), 1.0f);
  return value - value * saturation * share;
}

}  // namespace ocellus::data
