// Pillow's antialiased resize to the bit.
//
// Separable: horizontal pass first, 8-bit rounded intermediate, then vertical. The filter
// (bilinear, or bicubic with a = -0.5) is widened by the factor of reduction; weights are
// normalised in double and kept in fixed point with 22 fractional bits (Pillow's Resample.c).
#pragma once

#include <cstdint>
#include <vector>

#include "worker/data/crop.h"
#include "worker/data/normaliser.h"
#include "worker/data/pixels.h"
#include "worker/data/view.h"

namespace ocellus::data {

// One axis: out sample i is the sum of weight[i * taps + t] * in[first[i] + t] over t < count[i].
struct ResizeAxis {
  int taps = 0;
  std::vector<int> first;
  std::vector<int> count;
  std::vector<int32_t> weight;  // 22 fractional bits
};

// Samples [window, window + size) of `out` made from `in` ones. Without `antialias` the filter is
// as wide as if nothing were made smaller, as TensorFlow's resize has it.
ResizeAxis MakeAxis(int in, int out, int window, int size, Interpolation interpolation,
                    bool antialias);

// Keeps its buffers from image to image; one a thread.
class Resizer {
 public:
  // `pixels` holds plan.source; `out` gets [size, size], four bytes a pixel. plan.flip waits.
  void Resize(const Pixels& pixels, const ViewPlan& plan, int size, Interpolation interpolation,
              bool antialias, uint32_t* out);

  // The same, antialiased, flipped and normalised to [3, size, size].
  void Run(const Pixels& pixels, const ViewPlan& plan, int size, Interpolation interpolation,
           const Normaliser& normaliser, float* out);

 private:
  template <typename Sink>
  void MakeRows(const Pixels& pixels, const ViewPlan& plan, int size, Interpolation interpolation,
                bool antialias, Sink sink);
  void Horizontal(const Pixels& pixels, const ViewPlan& plan, const ResizeAxis& axis, int first_row,
                  int rows, int size);

  std::vector<uint8_t> block_;  // four rows side by side: [x][row][channel]
  std::vector<uint8_t> rows_;   // after the horizontal pass: [row][x][channel]
};

}  // namespace ocellus::data
