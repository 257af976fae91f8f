// Images for the tests of the response normalisation, and what its passes write.
#pragma once

#include <string>
#include <vector>

#include "kernels/response_norm.h"
#include "tests/kernels/arrays.h"

namespace ocellus::kernels {

struct ResponseSize {
  int64_t images, positions, channels;
};

// One element, odd tails, several blocks of channels, no images.
constexpr ResponseSize kResponseSizes[] = {
    {1, 1, 1}, {2, 3, 17}, {3, 50, 70}, {2, 9, 128}, {0, 4, 5}};

struct ResponseCase {
  ResponseCase(const ResponseSize& size, Element type)
      : shape{size.images, size.positions, size.channels, 1e-6f, type},
        x(Array::Normal(size.images * size.positions * size.channels, 1, type)),
        gamma(Array::Normal(size.channels, 2)),
        beta(Array::Normal(size.channels, 3)),
        d_y(Array::Normal(x.size(), 4, type)),
        y(x.size(), type),
        d_x(x.size(), type),
        length(size.images * size.channels),
        mean(size.images),
        d_gamma(size.channels),
        d_beta(size.channels),
        scratch(ResponseNormScratch(size.images, size.channels)) {
    // A channel of the last image that is nowhere.
    for (int64_t p = 0; size.channels > 1 && size.images > 0 && p < size.positions; ++p) {
      x.Set(((size.images - 1) * size.positions + p) * size.channels + 1, 0);
    }
  }

  ResponseNormForwardArgs Forward() {
    return {shape,    x.data(),        gamma.floats(), beta.floats(),
            y.data(), length.floats(), mean.floats()};
  }
  ResponseNormBackwardArgs Backward() {
    return {shape,      x.data(),   gamma.floats(),   length.floats(), mean.floats(),
            d_y.data(), d_x.data(), d_gamma.floats(), d_beta.floats(), scratch.floats()};
  }

  ResponseShape shape;
  Array x, gamma, beta, d_y, y, d_x, length, mean, d_gamma, d_beta, scratch;
};

}  // namespace ocellus::kernels
