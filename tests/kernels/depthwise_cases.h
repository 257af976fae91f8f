// Images for the tests of the depthwise convolution, and what its passes write.
#pragma once

#include "kernels/depthwise.h"
#include "tests/kernels/arrays.h"

namespace ocellus::kernels {

struct DepthwiseSize {
  int64_t images, height, width, channels;
};

// One pixel, images smaller than the taps, odd tails, more rows than a part has, no images.
constexpr DepthwiseSize kDepthwiseSizes[] = {
    {1, 1, 1, 1}, {2, 2, 5, 3}, {1, 9, 11, 33}, {3, 13, 8, 16}, {0, 4, 4, 5}};

struct DepthwiseCase {
  DepthwiseCase(const DepthwiseSize& size, Element type)
      : shape{size.images, size.height, size.width, size.channels, type},
        x(Array::Normal(shape.rows() * size.width * size.channels, 1, type)),
        d_y(Array::Normal(x.size(), 2, type)),
        weight(Array::Normal(kTaps * size.channels, 3)),
        bias(Array::Normal(size.channels, 4)),
        y(x.size(), type),
        d_weight(weight.size()),
        d_bias(size.channels),
        scratch(DepthwiseScratch(shape)) {}

  DepthwiseArgs Forward(bool biased) {
    return {shape, x.data(), weight.floats(), biased ? bias.floats() : nullptr, y.data()};
  }
  DepthwiseWeightGradientArgs WeightGradient() {
    return {shape, x.data(), d_y.data(), d_weight.floats(), d_bias.floats(), scratch.floats()};
  }

  DepthwiseShape shape;
  Array x, d_y, weight, bias, y, d_weight, d_bias, scratch;
};

}  // namespace ocellus::kernels
