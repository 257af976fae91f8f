// How one image of a sample is made: decode, crop, resize, flip, normalise (docs/REPLAY.md names it
// as the objective does).
#pragma once

#include <array>
#include <string>

namespace ocellus::data {

enum class Interpolation { kBilinear, kBicubic };

struct ViewOptions {
  std::string name;
  int size = 224;  // pixels of a side of the result
  // RandomResizedCrop of torchvision; with `random` false: short side to size / 0.875, centre crop.
  bool random = true;
  std::array<double, 2> crop_scale{0.2, 1.0};
  std::array<double, 2> crop_ratio{3.0 / 4.0, 4.0 / 3.0};
  Interpolation interpolation = Interpolation::kBicubic;
  double flip = 0.5;
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f};
  std::array<float, 3> std{0.229f, 0.224f, 0.225f};
};

}  // namespace ocellus::data
