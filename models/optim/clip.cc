#include "models/optim/clip.h"

namespace ocellus::models::optim {
namespace {

std::vector<torch::Tensor> Gradients(const std::vector<NamedParameter>& parameters) {
  std::vector<torch::Tensor> gradients;
  for (const NamedParameter& parameter : parameters) {
    if (parameter.tensor.grad().defined()) gradients.push_back(parameter.tensor.grad());
  }
  return gradients;
}

}  // namespace

torch::Tensor GradientNorm(const std::vector<NamedParameter>& parameters) {
  const torch::NoGradGuard no_grad;
  const std::vector<torch::Tensor> gradients = Gradients(parameters);
  if (gradients.empty()) return torch::zeros({});
  return torch::linalg_vector_norm(torch::stack(at::_foreach_norm(gradients)));
}

void ClipGradients(const std::vector<NamedParameter>& parameters, const torch::Tensor& norm,
                   double limit) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients = Gradients(parameters);
  if (gradients.empty()) return;
  at::_foreach_mul_(gradients, (limit / (norm + 1e-6)).clamp_max(1.0));
}

}  // namespace ocellus::models::optim
