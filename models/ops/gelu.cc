#include "models/ops/gelu.h"

#include "models/ops/linear.h"

namespace ocellus::models::ops {

torch::Tensor LinearGelu(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, torch::ScalarType compute) {
  return torch::gelu(Linear(x, weight, bias, compute));
}

}  // namespace ocellus::models::ops
