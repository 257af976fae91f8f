// Views of a batch from decoded pixels in one pass: resize of a crop, colour jitter, grayscale,
// blur, solarize, flip, normalise, as data.augment's fast back end makes them.
//
// What is drawn or depends on an image's size alone is settled before: a view comes with its steps,
// and with tables of the weights of its resize. Every stage's numbers are bytes, computed in fp32
// and cut; the blur's are fp32. CUDA functions only enqueue work on `stream` (a cudaStream_t): one
// launch, a block a view; `pixels`, `views`, `tables` and `weights` are on the device.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/element.h"
#include "kernels/partition.h"

namespace ocellus::kernels {

enum class ColourChange : int32_t { kBrightness, kContrast, kSaturation, kHue };

struct AugmentStep {
  ColourChange change = ColourChange::kBrightness;
  float amount = 0;  // a factor; of hue, the part of a turn
};

// One axis of a resize in `tables`, for [size] results: where each begins in the source, of how
// many samples it is the sum, and [size, taps] weights with 22 fractional bits.
struct AugmentAxis {
  int64_t begin = 0;
  int32_t taps = 0;
};

// One view. `source` is the crop: [height, width] words of red, green, blue and one unused byte,
// from `pixels` + source on.
struct AugmentView {
  int64_t source = 0;
  int32_t width = 0;
  int32_t height = 0;
  AugmentAxis across, down;
  AugmentStep steps[4];    // at most one kContrast
  int32_t step_count = 0;  // 0: no jitter
  bool grayscale = false;
  bool flip = false;
  float solarize = 256;  // values from here on are inverted; 256: none
  // weights[blur ... blur + radius]: of the middle, of both neighbours, and so on; the edge's
  // values go on outside. -1: no blur.
  int32_t radius = -1;
  int64_t blur = 0;
};

struct AugmentArgs {
  int64_t count = 0;
  const AugmentView* views = nullptr;  // [count]
  const uint32_t* pixels = nullptr;
  const int32_t* tables = nullptr;
  const float* weights = nullptr;
  int32_t size = 0;  // pixels of a side of every view
  float mean[3] = {0, 0, 0};
  float std[3] = {1, 1, 1};
  void* out = nullptr;               // [count, 3, size, size]
  Element type = Element::kFloat32;  // of out
  // The CUDA function's: AugmentScratch(...) words, where `height_max` is the largest height.
  uint32_t* scratch = nullptr;
  int32_t height_max = 0;
};

// Two for each multiprocessor of a 132-SM device.
constexpr int64_t kAugmentBlocksMax = 264;

// Words that one block needs: the resized view, and its rows or the blur's planes.
inline int64_t AugmentBlockScratch(const AugmentArgs& args) {
  const int64_t area = int64_t{args.size} * args.size;
  return area + std::max<int64_t>(3 * area, int64_t{args.height_max} * args.size);
}

inline int64_t AugmentScratch(const AugmentArgs& args) {
  return std::min(args.count, kAugmentBlocksMax) * AugmentBlockScratch(args);
}

namespace cpu {
void Augment(const AugmentArgs& args, const ParallelFor& parallel);
}  // namespace cpu

namespace cuda {
void Augment(const AugmentArgs& args, void* stream);
}  // namespace cuda

}  // namespace ocellus::kernels
