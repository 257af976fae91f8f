// The parts of batch normalisation over rows, apart from each other so that ranks can exchange
// statistics and their gradients in between: partial sums out, coefficients of each channel in.
//
// x, y and their gradients are dense, row-major [rows, channels], all of one `type`; statistics and
// coefficients are fp32 [channels], computed in fp32. CUDA functions only enqueue work on `stream`.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/partition.h"

namespace ocellus::kernels {

struct ChannelRows {
  int64_t rows = 0;
  int64_t channels = 0;
  Element type = Element::kFloat32;
};

// Mean and biased variance over rows (at least one): deviations from means of parts, so that
// nothing cancels.
struct ChannelMomentsArgs {
  ChannelRows shape;
  const void* x = nullptr;
  float* mean = nullptr;
  float* variance = nullptr;
  float* scratch = nullptr;  // ChannelScratch(rows, channels) floats
};

// y = x scale + shift.
struct ChannelAffineArgs {
  ChannelRows shape;
  const void* x = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
  void* y = nullptr;
};

// sum = sum over rows of d_y;  sum_x = sum of d_y (x - mean) rstd.
struct ChannelGradientSumsArgs {
  ChannelRows shape;
  const void* x = nullptr;
  const void* d_y = nullptr;
  const float* mean = nullptr;
  const float* rstd = nullptr;
  float* sum = nullptr;
  float* sum_x = nullptr;
  float* scratch = nullptr;  // ChannelScratch(rows, channels) floats
};

// d_x = (d_y - mean_d_y) of_d_y + (x - mean) of_x: centred, since far from zero products cancel.
struct ChannelGradientArgs {
  ChannelRows shape;
  const void* x = nullptr;
  const void* d_y = nullptr;
  const float* of_d_y = nullptr;
  const float* of_x = nullptr;
  const float* mean_d_y = nullptr;
  const float* mean = nullptr;
  void* d_x = nullptr;
};

inline int64_t ChannelScratch(int64_t rows, int64_t channels) {
  return 2 * PartCount(rows) * channels;
}

namespace cpu {
void ChannelMoments(const ChannelMomentsArgs& args, const ParallelFor& parallel);
void ChannelAffine(const ChannelAffineArgs& args, const ParallelFor& parallel);
void ChannelGradientSums(const ChannelGradientSumsArgs& args, const ParallelFor& parallel);
void ChannelGradient(const ChannelGradientArgs& args, const ParallelFor& parallel);
}  // namespace cpu

namespace cuda {
void ChannelMoments(const ChannelMomentsArgs& args, void* stream);
void ChannelAffine(const ChannelAffineArgs& args, void* stream);
void ChannelGradientSums(const ChannelGradientSumsArgs& args, void* stream);
void ChannelGradient(const ChannelGradientArgs& args, void* stream);
}  // namespace cuda

}  // namespace ocellus::kernels
