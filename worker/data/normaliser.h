// From 8-bit pixels to normalised planes: (value / 255 - mean) / std in fp32, as torchvision's
// ToTensor and Normalize do.
#pragma once

#include <array>
#include <cstdint>

#include "worker/data/view.h"

namespace ocellus::data {

struct Normaliser {
  explicit Normaliser(const ViewOptions& view);

  // `pixels` is [size, size], four bytes a pixel (the last means nothing); `out` gets [3, size,
  // size], mirrored when `flip`.
  void Run(const uint32_t* pixels, bool flip, int size, float* out) const;
  // One row of it, to the start of the row in each of the planes, which are `plane` values long.
  void RunRow(const uint8_t* row, bool flip, int size, float* out, int64_t plane) const;

  // What an 8-bit value of each channel becomes.
  std::array<std::array<float, 256>, 3> value;
  std::array<float, 3> mean, std;
};

}  // namespace ocellus::data
