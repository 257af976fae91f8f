// Rows as directions, y = x / max(|x|, eps), forward and backward.
//
// Tensors are dense, row-major [rows, width]; computed in fp32. CUDA functions only enqueue work on
// `stream` (a cudaStream_t).
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/partition.h"

namespace ocellus::kernels {

struct NormaliseRowsForwardArgs {
  int64_t rows = 0;
  int64_t width = 0;
  float eps = 0;  // above 0
  const void* x = nullptr;
  Element type = Element::kFloat32;  // of x
  float* y = nullptr;
  float* length = nullptr;  // [rows] |x|, for the backward pass
};

// d_x = (d_y - y (y . d_y)) / |x|, or d_y / eps for rows no longer than eps.
struct NormaliseRowsBackwardArgs {
  int64_t rows = 0;
  int64_t width = 0;
  float eps = 0;
  const float* y = nullptr;
  const float* length = nullptr;
  const float* d_y = nullptr;
  void* d_x = nullptr;
  Element type = Element::kFloat32;  // of d_x
};

namespace cpu {
void NormaliseRowsForward(const NormaliseRowsForwardArgs& args, const ParallelFor& parallel);
void NormaliseRowsBackward(const NormaliseRowsBackwardArgs& args, const ParallelFor& parallel);
}  // namespace cpu

namespace cuda {
void NormaliseRowsForward(const NormaliseRowsForwardArgs& args, void* stream);
void NormaliseRowsBackward(const NormaliseRowsBackwardArgs& args, void* stream);
}  // namespace cuda

}  // namespace ocellus::kernels
