// The exact GELU, gelu(z) = z Phi(z) with the normal distribution function Phi, and its gradient
// together with the bias gradient of the linear layer before it.
//
// All tensors are dense, row-major [rows, width], all of one `type`; computed in fp32 to a relative
// accuracy of 1e-6, in the negative tail too. CUDA functions only enqueue work on `stream`.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/partition.h"

namespace ocellus::kernels {

struct GeluForwardArgs {
  int64_t rows = 0;
  int64_t width = 0;
  Element type = Element::kFloat32;
  const void* z = nullptr;
  void* y = nullptr;
};

// d_z = d_y gelu'(z);  d_bias = sum of d_z over rows, of the values before rounding to `type`.
struct GeluBackwardArgs {
  int64_t rows = 0;
  int64_t width = 0;
  Element type = Element::kFloat32;
  const void* z = nullptr;
  const void* d_y = nullptr;
  void* d_z = nullptr;
  float* d_bias = nullptr;   // [width], overwritten
  float* scratch = nullptr;  // GeluScratch(rows, width) floats
};

inline int64_t GeluScratch(int64_t rows, int64_t width) { return PartCount(rows) * width; }

namespace cpu {
void GeluForward(const GeluForwardArgs& args, const ParallelFor& parallel);
void GeluBackward(const GeluBackwardArgs& args, const ParallelFor& parallel);
}  // namespace cpu

namespace cuda {
void GeluForward(const GeluForwardArgs& args, void* stream);
void GeluBackward(const GeluBackwardArgs& args, void* stream);
}  // namespace cuda

}  // namespace ocellus::kernels
