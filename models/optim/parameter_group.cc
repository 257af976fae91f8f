#include "models/optim/parameter_group.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "models/ops/launch.h"
#include "models/ops/layout.h"
#include "models/ops/step_numbers.h"

namespace ocellus::models::optim {

void ParameterGroup::Add(NamedParameter parameter) {
  names.push_back(std::move(parameter.name));
  tensors.push_back(std::move(parameter.tensor));
  averages.emplace_back();
}

std::vector<torch::Tensor> ParameterGroup::Gradients() const {
  std::vector<torch::Tensor> gradients;
  gradients.reserve(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].grad().defined()) throw std::logic_error("no gradient for " + names[i]);
    gradients.push_back(tensors[i].grad());
  }
  return gradients;
}

std::vector<torch::Tensor> ParameterGroup::ScaledGradients(const StepOptions& options) const {
  if (!options.gradient_factor.defined() || tensors.empty()) return Gradients();
  return at::_foreach_mul(Gradients(), options.gradient_factor);
}

void ParameterGroup::MoveAverages(const StepOptions& options) const {
  if (!options.average_momentum) return;
  for (size_t i = 0; i < tensors.size(); ++i) {
    torch::Tensor average = averages[i];
    if (average.defined()) average.lerp_(tensors[i], 1 - *options.average_momentum);
  }
}

kernels::Followers ParameterGroup::Followers(size_t i, const StepOptions& options) const {
  if (!options.average_momentum || !averages[i].defined()) return {};
  return {.average = ops::Floats(averages[i])};
}

bool ParameterGroup::FitsKernels(const std::vector<std::vector<torch::Tensor>>& others) const {
  if (!ops::UseKernels()) return false;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const torch::Tensor& own = tensors[i];
    const auto fits = [&](const torch::Tensor& tensor) {
      return tensor.scalar_type() == torch::kFloat32 && ops::LieAlike(tensor, own) &&
             tensor.device() == tensors[0].device();
    };
    if (!fits(own) || !own.is_non_overlapping_and_dense()) return false;
    if (averages[i].defined() && !fits(averages[i])) return false;
    for (const auto& list : others) {
      if (!fits(list[i])) return false;
    }
  }
  return true;
}

bool IsRefused(const StepOptions& options) {
  return options.gradient_factor.defined() && std::isnan(options.gradient_factor.item<float>());
}

torch::Tensor NoUpdates(const std::vector<NamedParameter>& parameters) {
  const torch::Device device =
      parameters.empty() ? torch::Device(torch::kCPU) : parameters[0].tensor.device();
  return torch::zeros({}, torch::TensorOptions().dtype(torch::kInt64).device(device));
}

torch::Tensor NumbersFor(const torch::Tensor& tensor, double lr, const StepOptions& options) {
  if (options.numbers.defined()) return options.numbers;
  return ops::StepNumbers({lr, options.average_momentum.value_or(1)}, tensor.device());
}

void FollowIn(const std::vector<ParameterGroup*>& groups,
              const std::map<std::string, torch::Tensor>& averages) {
  for (const auto& [name, average] : averages) {
    bool found = false;
    for (ParameterGroup* group : groups) {
      const auto at = std::find(group->names.begin(), group->names.end(), name);
      if (at == group->names.end()) continue;
      group->averages[at - group->names.begin()] = average;
      found = true;
    }
    if (!found) throw std::logic_error("no parameter " + name + " to follow");
  }
}

}  // namespace ocellus::models::optim
