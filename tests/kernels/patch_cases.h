// Images in patches for the tests, and the pixels that are expected of the chosen ones.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/patch_pixels.h"
#include "tests/kernels/arrays.h"

namespace ocellus::kernels {

struct PatchCase {
  PatchGrid grid;
  int64_t kept;
  bool all;  // rather than chosen ones

  int64_t Pixels() const { return grid.batch * grid.channels * grid.height * grid.width; }
  int64_t Numbers() const { return grid.batch * kept * grid.numbers(); }

  // From the last patch backwards, empty for all.
  std::vector<int64_t> Chosen() const {
    std::vector<int64_t> chosen;
    for (int64_t i = 0; !all && i < grid.batch * kept; ++i) {
      chosen.push_back(grid.per_image() - 1 - i % kept);
    }
    return chosen;
  }

  PatchPixelsArgs Args(Array& images, const std::vector<int64_t>& chosen, Array& out) const {
    return {grid, kept, images.floats(), all ? nullptr : chosen.data(), out.data(), out.type()};
  }

  std::vector<double> Expected(const Array& images, const std::vector<int64_t>& chosen) const {
    std::vector<double> pixels;
    for (int64_t i = 0; i < grid.batch * kept; ++i) {
      const int64_t patch = all ? i % kept : chosen[i];
      const int64_t top = patch / grid.columns() * grid.patch;
      const int64_t left = patch % grid.columns() * grid.patch;
      for (int64_t channel = 0; channel < grid.channels; ++channel) {
        for (int64_t n = 0; n < grid.patch * grid.patch; ++n) {
          const int64_t plane = i / kept * grid.channels + channel;
          const int64_t y = top + n / grid.patch, x = left + n % grid.patch;
          pixels.push_back(images.At((plane * grid.height + y) * grid.width + x));
        }
      }
    }
    return pixels;
  }
};

inline std::vector<PatchCase> PatchCases() {
  return {
      {{.batch = 1, .channels = 1, .height = 1, .width = 1, .patch = 1}, 1, false},
      {{.batch = 2, .channels = 3, .height = 8, .width = 12, .patch = 4}, 2, false},
      {{.batch = 2, .channels = 3, .height = 8, .width = 12, .patch = 4}, 6, true},
      {{.batch = 1, .channels = 2, .height = 34, .width = 51, .patch = 17}, 3, false},
      {{.batch = 1, .channels = 3, .height = 32, .width = 32, .patch = 16}, 4, true},
      {{.batch = 2, .channels = 3, .height = 4, .width = 4, .patch = 4}, 0, false},
  };
}

}  // namespace ocellus::kernels
