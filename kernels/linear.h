// Products of a linear layer y = x weight^T + bias in bf16, summed in fp32, from fp32 weights: they
// are rounded and laid out for the processor in one pass, each time they are used.
//
// x [rows, in], d_y [rows, out], both bf16; weight [out, in] fp32; all dense. `in` is a multiple of
// 32, `out` of 16. Results do not depend on how tasks are spread over threads. CPU alone: on CUDA
// these products are LibTorch's.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/partition.h"

namespace ocellus::kernels {

struct LinearShape {
  int64_t rows = 0;
  int64_t in = 0;
  int64_t out = 0;

  bool Fits() const { return rows > 0 && in > 0 && out > 0 && in % 32 == 0 && out % 16 == 0; }
};

// Floats that hold the packed weights, of forward and of the input's gradient.
inline int64_t LinearScratch(const LinearShape& shape) { return shape.in * shape.out / 2; }

struct LinearForwardArgs {
  LinearShape shape;
  const BFloat16* x = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;  // [out] or null
  BFloat16* y = nullptr;        // [rows, out]
  float* scratch = nullptr;     // LinearScratch(shape)
};

struct LinearInputGradientArgs {
  LinearShape shape;
  const BFloat16* d_y = nullptr;
  const float* weight = nullptr;
  BFloat16* d_x = nullptr;   // [rows, in]
  float* scratch = nullptr;  // LinearScratch(shape)
};

// Rows of which a weight gradient's products are summed before more are packed, so that what is
// packed stays in the caches. Even, but for a single chunk.
inline int64_t LinearRowsPerChunk(int64_t rows) {
  constexpr int64_t kAbout = 1024;
  const int64_t chunks = (rows + kAbout / 2) / kAbout;
  return chunks <= 1 ? rows : (rows / chunks + 2) / 2 * 2;
}

// Floats that hold packed inputs and gradients.
inline int64_t LinearWeightScratch(const LinearShape& shape) {
  return (LinearRowsPerChunk(shape.rows) + 1) / 2 * (shape.in + shape.out);
}

struct LinearWeightGradientArgs {
  LinearShape shape;
  const BFloat16* x = nullptr;
  const BFloat16* d_y = nullptr;
  float* d_weight = nullptr;  // [out, in]
  float* scratch = nullptr;   // LinearWeightScratch(shape)
};

namespace cpu {
// Whether these are the fastest at hand: compiled for a processor with dot products of bf16 pairs
// and without matrix units, for which oneDNN has the better products.
bool LinearIsFast();

void LinearForward(const LinearForwardArgs& args, const ParallelFor& parallel);
void LinearInputGradient(const LinearInputGradientArgs& args, const ParallelFor& parallel);
void LinearWeightGradient(const LinearWeightGradientArgs& args, const ParallelFor& parallel);
}  // namespace cpu

}  // namespace ocellus::kernels
