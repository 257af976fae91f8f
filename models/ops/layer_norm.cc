#include "models/ops/layer_norm.h"

namespace ocellus::models::ops {

std::pair<torch::Tensor, torch::Tensor> AddLayerNorm(const torch::Tensor& residual,
                                                     const torch::Tensor& branch,
                                                     const torch::Tensor& weight,
                                                     const torch::Tensor& bias, double eps,
                                                     torch::ScalarType out) {
  torch::Tensor sum = branch.defined() ? residual + branch : residual;
  torch::Tensor normed = torch::layer_norm(sum, {sum.size(-1)}, weight, bias, eps);
  return {sum, normed.to(out)};
}

}  // namespace ocellus::models::ops
