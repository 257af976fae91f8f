// How tensors lie in memory.
#pragma once

#include <torch/torch.h>

namespace ocellus::models::ops {

// Whether elements of two tensors of one shape lie at the same offsets. Strides of dimensions of
// size 1 say nothing, and those of a 1 x 1 convolution's gradient differ from its weight's.
inline bool LieAlike(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes()) return false;
  for (int64_t i = 0; i < a.dim(); ++i) {
    if (a.size(i) != 1 && a.stride(i) != b.stride(i)) return false;
  }
  return true;
}

}  // namespace ocellus::models::ops
