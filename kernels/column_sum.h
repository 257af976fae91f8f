// Sums over rows: the bias gradient of a linear layer. On CPU alone; LibTorch's own is good on
// CUDA.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/partition.h"

namespace ocellus::kernels {

// out[j] = sum over i of x[i, j], in fp32.
struct ColumnSumArgs {
  int64_t rows = 0;
  int64_t width = 0;
  const void* x = nullptr;  // [rows, width], dense
  Element type = Element::kFloat32;
  float* out = nullptr;      // [width], overwritten
  float* scratch = nullptr;  // ColumnSumScratch(rows, width) floats
};

inline int64_t ColumnSumScratch(int64_t rows, int64_t width) { return PartCount(rows) * width; }

namespace cpu {
void ColumnSum(const ColumnSumArgs& args, const ParallelFor& parallel);
}  // namespace cpu

}  // namespace ocellus::kernels
