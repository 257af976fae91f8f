// The depthwise 7 x 7 convolution of ConvNeXt (arXiv:2201.03545), of stride 1 with a border of
// three zeros, over channels that lie next to each other.
//
// Images are dense [images, height, width, channels], x and y (and their gradients) of one `type`;
// weights are fp32 [49, channels], taps row by row; computed in fp32. CUDA functions only enqueue
// work on `stream` (a cudaStream_t).
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/partition.h"

namespace ocellus::kernels {

constexpr int kTapsAcross = 7;
constexpr int kTaps = kTapsAcross * kTapsAcross;

struct DepthwiseShape {
  int64_t images = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  Element type = Element::kFloat32;

  int64_t rows() const { return images * height; }
};

// y[n, h, w, c] = bias[c] + sum over i, j of weight[7 i + j, c] x[n, h + i - 3, w + j - 3, c].
// The gradient of x is the same of d_y, with the taps in reverse and no bias.
struct DepthwiseArgs {
  DepthwiseShape shape;
  const void* x = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;  // [channels]; null: 0
  void* y = nullptr;
};

// d_weight[7 i + j, c] = sum over n, h, w of d_y[n, h, w, c] x[n, h + i - 3, w + j - 3, c].
struct DepthwiseWeightGradientArgs {
  DepthwiseShape shape;
  const void* x = nullptr;
  const void* d_y = nullptr;
  float* d_weight = nullptr;  // [49, channels]
  float* d_bias = nullptr;    // [channels]
  float* scratch = nullptr;   // DepthwiseScratch(shape) floats
};

inline int64_t DepthwiseScratch(const DepthwiseShape& shape) {
  return PartCount(shape.rows()) * (kTaps + 1) * shape.channels;
}

namespace cpu {
void Depthwise(const DepthwiseArgs& args, const ParallelFor& parallel);
void DepthwiseWeightGradient(const DepthwiseWeightGradientArgs& args, const ParallelFor& parallel);
}  // namespace cpu

namespace cuda {
void Depthwise(const DepthwiseArgs& args, void* stream);
void DepthwiseWeightGradient(const DepthwiseWeightGradientArgs& args, void* stream);
}  // namespace cuda

}  // namespace ocellus::kernels
