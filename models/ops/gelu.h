// The first half of a transformer's MLP: a linear layer and the exact GELU.
#pragma once

#include <torch/torch.h>

namespace ocellus::models::ops {

// gelu(x weight^T + bias), gelu(z) = z (1 + erf(z / sqrt 2)) / 2. Shapes and types as in Linear.
torch::Tensor LinearGelu(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, torch::ScalarType compute);

}  // namespace ocellus::models::ops
