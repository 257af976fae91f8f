// The pixels of chosen patches, ready for the product with a convolution's weight: the others are
// not read, and the type of the product is written at once.
//
// Patches are numbered row by row; a patch's numbers are ordered channel, row, column. CUDA
// functions only enqueue work on `stream` (a cudaStream_t).
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/masked_pixel_loss.h"
#include "kernels/partition.h"

namespace ocellus::kernels {

struct PatchPixelsArgs {
  PatchGrid grid;
  int64_t kept = 0;                  // patches of an image
  const float* images = nullptr;     // [batch, channels, height, width]
  const int64_t* chosen = nullptr;   // [batch, kept], each below per_image(); null: all, in order
  void* out = nullptr;               // [batch, kept, numbers()]
  Element type = Element::kFloat32;  // of out
};

namespace cpu {
void PatchPixels(const PatchPixelsArgs& args, const ParallelFor& parallel);
}  // namespace cpu

namespace cuda {
void PatchPixels(const PatchPixelsArgs& args, void* stream);
}  // namespace cuda

}  // namespace ocellus::kernels
