#include "models/ops/linear.h"

namespace ocellus::models::ops {

torch::Tensor Linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                     torch::ScalarType compute) {
  return torch::nn::functional::linear(x.to(compute), weight.to(compute),
                                       bias.defined() ? bias.to(compute) : bias);
}

}  // namespace ocellus::models::ops
