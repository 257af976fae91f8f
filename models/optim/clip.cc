#include "models/optim/clip.h"

#include <algorithm>

#include "kernels/optimizer.h"
#include "models/ops/launch.h"

namespace ocellus::models::optim {
namespace {

std::vector<torch::Tensor> Gradients(const std::vector<NamedParameter>& parameters) {
  std::vector<torch::Tensor> gradients;
  for (const NamedParameter& parameter : parameters) {
    if (parameter.tensor.grad().defined()) gradients.push_back(parameter.tensor.grad());
  }
  return gradients;
}

bool FitKernel(const std::vector<torch::Tensor>& gradients) {
  return ops::UseKernels() &&
         std::all_of(gradients.begin(), gradients.end(), [&](const torch::Tensor& gradient) {
           return gradient.scalar_type() == torch::kFloat32 &&
                  gradient.is_non_overlapping_and_dense() &&
                  gradient.device() == gradients[0].device();
         });
}

torch::Tensor NormByKernel(const std::vector<torch::Tensor>& gradients) {
  std::vector<kernels::GradientTensor> tensors;
  for (const torch::Tensor& gradient : gradients) {
    tensors.push_back({gradient.numel(), ops::Floats(gradient)});
  }
  const auto size = static_cast<int64_t>(tensors.size());
  const auto options = gradients[0].options();
  const torch::Tensor norm = torch::empty({}, options);
  const torch::Tensor scratch =
      torch::empty({kernels::GradientNormScratch(tensors.data(), size)}, options);
  const kernels::GradientNormArgs args{.tensors = tensors.data(),
                                       .size = size,
                                       .norm = ops::Floats(norm),
                                       .scratch = ops::Floats(scratch)};
  OCELLUS_LAUNCH(GradientNorm, norm, args);
  return norm;
}

}  // namespace

torch::Tensor GradientNorm(const std::vector<NamedParameter>& parameters) {
  const torch::NoGradGuard no_grad;
  const std::vector<torch::Tensor> gradients = Gradients(parameters);
  if (gradients.empty()) return torch::zeros({});
  if (FitKernel(gradients)) return NormByKernel(gradients);
  return torch::linalg_vector_norm(torch::stack(at::_foreach_norm(gradients)));
}

torch::Tensor ClipFactor(const torch::Tensor& norm, double limit) {
  return (limit / (norm + 1e-6)).clamp_max(1.0);
}

}  // namespace ocellus::models::optim
