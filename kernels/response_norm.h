// Global response normalisation of ConvNeXt V2 (arXiv:2301.00808, section 3.3), forward and
// backward: channels of an image compete by their length over space.
//
//   G[n, c] = |x[n, :, c]|,   R[n, c] = G[n, c] / (mean over c of G[n, c] + eps)
//   y = gamma x R + beta + x
//
// x, y and their gradients are dense [images, positions, channels], all of one `type`; computed in
// fp32. CUDA functions only enqueue work on `stream` (a cudaStream_t).
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/partition.h"

namespace ocellus::kernels {

struct ResponseShape {
  int64_t images = 0;
  int64_t positions = 0;  // of an image
  int64_t channels = 0;
  float eps = 1e-6f;
  Element type = Element::kFloat32;
};

struct ResponseNormForwardArgs {
  ResponseShape shape;
  const void* x = nullptr;
  const float* gamma = nullptr;  // [channels]
  const float* beta = nullptr;   // [channels]
  void* y = nullptr;
  float* length = nullptr;  // [images, channels] G, for the backward pass
  float* mean = nullptr;    // [images] of G, plus eps; likewise
};

// Channels without length (x 0 everywhere) get the gradient of y = gamma x R + beta + x with R
// held.
struct ResponseNormBackwardArgs {
  ResponseShape shape;
  const void* x = nullptr;
  const float* gamma = nullptr;
  const float* length = nullptr;
  const float* mean = nullptr;
  const void* d_y = nullptr;
  void* d_x = nullptr;
  float* d_gamma = nullptr;  // [channels]
  float* d_beta = nullptr;   // [channels]
  float* scratch = nullptr;  // ResponseNormScratch(images, channels) floats
};

inline int64_t ResponseNormScratch(int64_t images, int64_t channels) {
  return 2 * images * channels;
}

namespace cpu {
void ResponseNormForward(const ResponseNormForwardArgs& args, const ParallelFor& parallel);
void ResponseNormBackward(const ResponseNormBackwardArgs& args, const ParallelFor& parallel);
}  // namespace cpu

namespace cuda {
void ResponseNormForward(const ResponseNormForwardArgs& args, void* stream);
void ResponseNormBackward(const ResponseNormBackwardArgs& args, void* stream);
}  // namespace cuda

}  // namespace ocellus::kernels
