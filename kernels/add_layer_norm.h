// Residual addition and LayerNorm in one pass over memory, forward and backward.
//
// All tensors are dense, row-major [rows, width]; everything is computed in fp32. CPU and CUDA
// functions have one contract; CUDA ones only enqueue work on `stream` (a cudaStream_t).
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/partition.h"

namespace ocellus::kernels {

// sum = residual + branch;  out = (sum - mean) * rstd * weight + bias, by rows;
// mean over the row, rstd = 1 / sqrt(biased variance + eps).
struct AddLayerNormForwardArgs {
  int64_t rows = 0;
  int64_t width = 0;
  float eps = 0;
  const float* residual = nullptr;
  const void* branch = nullptr;  // null: sum is residual, and `sum` is not written
  Element branch_type = Element::kFloat32;
  const float* weight = nullptr;  // [width]
  const float* bias = nullptr;    // [width]
  float* sum = nullptr;
  void* out = nullptr;
  Element out_type = Element::kFloat32;
  float* mean = nullptr;  // [rows], for the backward pass
  float* rstd = nullptr;  // [rows], likewise
};

// d_total = d_sum + gradient through the norm: the gradient of residual and of branch alike.
struct AddLayerNormBackwardArgs {
  int64_t rows = 0;
  int64_t width = 0;
  const float* sum = nullptr;  // the forward's sum (residual when there was no branch)
  const float* mean = nullptr;
  const float* rstd = nullptr;
  const float* weight = nullptr;
  const void* d_out = nullptr;
  Element out_type = Element::kFloat32;
  const float* d_sum = nullptr;  // null: zero
  float* d_total = nullptr;
  void* d_branch = nullptr;   // d_total once more in bf16, or null when that is not wanted
  float* d_weight = nullptr;  // [width], overwritten
  float* d_bias = nullptr;    // [width], overwritten
  float* scratch = nullptr;   // AddLayerNormScratch(rows, width) floats
};

inline int64_t AddLayerNormScratch(int64_t rows, int64_t width) {
  return 2 * PartCount(rows) * width;
}

namespace cpu {
void AddLayerNormForward(const AddLayerNormForwardArgs& args, const ParallelFor& parallel);
void AddLayerNormBackward(const AddLayerNormBackwardArgs& args, const ParallelFor& parallel);
}  // namespace cpu

namespace cuda {
void AddLayerNormForward(const AddLayerNormForwardArgs& args, void* stream);
void AddLayerNormBackward(const AddLayerNormBackwardArgs& args, void* stream);
}  // namespace cuda

}  // namespace ocellus::kernels
