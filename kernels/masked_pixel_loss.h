// The MAE loss over masked patches, forward and backward, without a patchified copy of the images.
//
// A patch's P = patch * patch * channels numbers are ordered row, column, channel. Patches are
// numbered row by row. CUDA functions only enqueue work on `stream` (a cudaStream_t).
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/partition.h"

namespace ocellus::kernels {

struct PatchGrid {
  int64_t batch = 0;
  int64_t channels = 0;
  int64_t height = 0;  // pixels, a multiple of patch
  int64_t width = 0;   // pixels, a multiple of patch
  int64_t patch = 0;   // pixels of a side

  int64_t columns() const { return width / patch; }
  int64_t per_image() const { return (height / patch) * columns(); }
  int64_t patches() const { return batch * per_image(); }
  int64_t numbers() const { return patch * patch * channels; }  // P, at least 2
};

// loss = sum over patches of mask * mean((pred - target)^2), divided by the sum of mask, where
// target is the patch, or with `normalise` (patch - mean) / sqrt(unbiased variance + 1e-6).
struct MaskedPixelLossForwardArgs {
  PatchGrid grid;
  bool normalise = true;
  const void* pred = nullptr;  // [patches, P]
  Element pred_type = Element::kFloat32;
  const float* images = nullptr;  // [batch, channels, height, width]
  const float* mask = nullptr;    // [patches]; patches of weight 0 are not read
  float* shift = nullptr;         // [patches]: target = (pixel - shift) * scale
  float* scale = nullptr;         // [patches]
  float* error = nullptr;         // [patches]: mask * mean squared error
  float* totals = nullptr;        // [2]: the loss, and the sum of mask
};

// d_pred = d_loss * mask / sum(mask) * 2 / P * (pred - target).
struct MaskedPixelLossBackwardArgs {
  PatchGrid grid;
  const void* pred = nullptr;
  Element pred_type = Element::kFloat32;
  const float* images = nullptr;
  const float* mask = nullptr;
  const float* shift = nullptr;  // these three from the forward pass
  const float* scale = nullptr;
  const float* totals = nullptr;
  const float* d_loss = nullptr;  // [1]
  void* d_pred = nullptr;         // [patches, P] of pred_type, overwritten
};

namespace cpu {
void MaskedPixelLossForward(const MaskedPixelLossForwardArgs& args, const ParallelFor& parallel);
void MaskedPixelLossBackward(const MaskedPixelLossBackwardArgs& args, const ParallelFor& parallel);
}  // namespace cpu

namespace cuda {
void MaskedPixelLossForward(const MaskedPixelLossForwardArgs& args, void* stream);
void MaskedPixelLossBackward(const MaskedPixelLossBackwardArgs& args, void* stream);
}  // namespace cuda

}  // namespace ocellus::kernels
