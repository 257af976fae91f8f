// How one image of a sample is made: decode, crop, resize, colours, blur, flip, normalise
// (docs/REPLAY.md names it as the objective does).
#pragma once

#include <array>
#include <string>

namespace ocellus::data {

enum class Interpolation { kBilinear, kBicubic };

// Whose transforms: torchvision's on Pillow's 8-bit images, or BYOL's on float ones.
enum class Style { kTorchvision, kByol };

// How torchvision's transforms are computed: to the bit as Pillow does; in float; or so by the
// device that trains, for views that are random. BYOL's style has one way, and is never the
// device's.
enum class Backend { kReference, kFast, kDevice };

// The random changes of colour, sharpness and background, which keep every pixel's place; all off.
struct ColourOptions {
  Style style = Style::kTorchvision;
  Backend backend = Backend::kReference;
  double color_jitter = 0;  // probability of the next four, whose strengths may be 0
  double brightness = 0;
  double contrast = 0;
  double saturation = 0;
  double hue = 0;        // at most 0.5
  double grayscale = 0;  // probability
  double blur = 0;       // probability
  std::array<double, 2> blur_sigma{0.1, 2.0};
  double solarize = 0;  // probability
  double solarize_threshold = 128;
  double remove_background = 0;  // probability, for samples that have a mask

  // Whether any of them can change a view.
  bool any() const {
    return color_jitter > 0 || grayscale > 0 || blur > 0 || solarize > 0 || remove_background > 0;
  }
};

struct ViewOptions {
  std::string name;
  int size = 224;  // pixels of a side of the result
  // RandomResizedCrop of torchvision (or, in that style, of BYOL), flip and colours; with `random`
  // false: short side to size / 0.875, centre crop, and nothing else.
  bool random = true;
  std::array<double, 2> crop_scale{0.2, 1.0};
  std::array<double, 2> crop_ratio{3.0 / 4.0, 4.0 / 3.0};
  Interpolation interpolation = Interpolation::kBicubic;
  double flip = 0.5;
  ColourOptions colours;
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f};
  std::array<float, 3> std{0.229f, 0.224f, 0.225f};

  // Whether the host only decodes and crops.
  bool on_device() const { return random && colours.backend == Backend::kDevice; }
};

}  // namespace ocellus::data
