// Rows of channels, and all that batch normalisation computes of them, for its tests.
#pragma once

#include <cstdint>

#include "kernels/channel_norm.h"
#include "tests/kernels/arrays.h"

namespace ocellus::kernels {

struct ChannelCase {
  ChannelCase(int64_t rows, int64_t channels, Element type)
      : shape{rows, channels, type},
        x(Array::Normal(rows * channels, 1, type)),
        d_y(Array::Normal(rows * channels, 2, type)),
        mean(channels),
        variance(channels),
        a(Array::Normal(channels, 3)),
        b(Array::Normal(channels, 4)),
        c(Array::Normal(channels, 5)),
        y(rows * channels, type),
        sum(channels),
        sum_x(channels),
        d_x(rows * channels, type),
        scratch(ChannelScratch(rows, channels)) {
    // Far from zero, where sums of squares would cancel.
    for (int64_t i = 0; i < x.size(); ++i) x.Set(i, x.At(i) + (i % channels == 0 ? 100.0f : 0.5f));
  }

  ChannelMomentsArgs Moments() {
    return {shape, x.data(), mean.floats(), variance.floats(), scratch.floats()};
  }
  ChannelAffineArgs Affine() { return {shape, x.data(), a.floats(), b.floats(), y.data()}; }
  ChannelGradientSumsArgs Sums() {
    return {shape,      x.data(),     d_y.data(),     a.floats(),
            b.floats(), sum.floats(), sum_x.floats(), scratch.floats()};
  }
  ChannelGradientArgs Gradient() {
    return {shape,      x.data(),   d_y.data(),    a.floats(),
            b.floats(), c.floats(), mean.floats(), d_x.data()};
  }

  ChannelRows shape;
  Array x, d_y, mean, variance, a, b, c, y, sum, sum_x, d_x, scratch;
};

struct ChannelShape {
  int64_t rows, channels;
};

// One number, odd tails, several parts, more channels than a block has.
constexpr ChannelShape kChannelShapes[] = {{1, 1}, {3, 17}, {70, 33}, {33, 260}};

}  // namespace ocellus::kernels
