// Parameters that an optimizer treats alike, and what belongs to them, in the same order.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "kernels/optimizer.h"
#include "models/optim/optimizer.h"

namespace ocellus::models::optim {

struct ParameterGroup {
  double weight_decay = 0;
  bool adapts = false;  // of LARS
  std::vector<std::string> names;
  std::vector<torch::Tensor> tensors;
  std::vector<torch::Tensor> averages;  // undefined where nothing follows

  void Add(NamedParameter parameter);

  // The .grad of each; throws std::logic_error when one is missing.
  std::vector<torch::Tensor> Gradients() const;
  // The same, times the factor where it is defined.
  std::vector<torch::Tensor> ScaledGradients(const StepOptions& options) const;

  // The averages' share of a step, by ATen.
  void MoveAverages(const StepOptions& options) const;

  kernels::Followers Followers(size_t i, const StepOptions& options) const;

  // Whether the kernels can do a step with these tensors beside the parameters: all of fp32, on one
  // device, each laid out as its parameter, without gaps; and kernels are on (models/ops/launch.h).
  bool FitsKernels(const std::vector<std::vector<torch::Tensor>>& others) const;
};

// Whether the factor is NaN; waits for its value, as the kernels do not.
bool IsRefused(const StepOptions& options);

// 0 updates so far: int64, where the parameters are.
torch::Tensor NoUpdates(const std::vector<NamedParameter>& parameters);

// The step's numbers as kernels read them, on the device of the tensor.
torch::Tensor NumbersFor(const torch::Tensor& tensor, double lr, const StepOptions& options);

// Optimizer::Follow over groups.
void FollowIn(const std::vector<ParameterGroup*>& groups,
              const std::map<std::string, torch::Tensor>& averages);

}  // namespace ocellus::models::optim
