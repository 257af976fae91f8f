// An image as three planes of floats, red, green and blue.
#pragma once

#include <array>
#include <cstdint>

namespace ocellus::data {

// Does not own the values.
struct Planes {
  std::array<float*, 3> channel{};
  int64_t count = 0;  // values of a plane

  // `count` values from `first` on.
  Planes Part(int64_t first, int64_t part) const {
    return {{channel[0] + first, channel[1] + first, channel[2] + first}, part};
  }
};

// The planes of [3, count] contiguous values.
inline Planes PlanesOf(float* values, int64_t count) {
  return {{values, values + count, values + 2 * count}, count};
}

}  // namespace ocellus::data
