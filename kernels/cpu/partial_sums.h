// Adds the parts' partial sums of columns, in order.
#pragma once

#include "kernels/cpu/vector.h"

namespace ocellus::kernels::cpu {
namespace {

// out[j] = sum over parts of partial[part * stride + j], j in [0, width).
inline void AddParts(const float* partial, int64_t parts, int64_t stride, int64_t width,
                     float* out) {
  for (int64_t j = 0; j < width; j += kLanes) {
    const int64_t count = width - j;
    Vec sum{};
    for (int64_t p = 0; p < parts; ++p) sum += LoadPart(partial + p * stride + j, count);
    StorePart(out + j, sum, count);
  }
}

}  // namespace
}  // namespace ocellus::kernels::cpu
