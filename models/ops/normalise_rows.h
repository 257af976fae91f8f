// Rows as directions: what embeddings are compared by.
#pragma once

#include <torch/torch.h>

namespace ocellus::models::ops {

// x / max(|x|, eps) over the last dimension, computed in fp32.
//   x  [..., D]  any floating type
// Returns [..., D] in fp32. Rows no longer than eps get the gradient of x / eps.
torch::Tensor NormaliseRows(const torch::Tensor& x, double eps = 1e-12);

}  // namespace ocellus::models::ops
