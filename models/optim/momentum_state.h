// What optimizers with one momentum buffer a parameter keep.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/optim/optimizer.h"
#include "models/optim/parameter_group.h"

namespace ocellus::models::optim {

// Parameters treated alike, and their buffers (0 at the start), in the same order.
struct MomentumGroup : ParameterGroup {
  std::vector<torch::Tensor> buffers;

  void Add(NamedParameter parameter);
};

// kernels::MomentumArgs but for its tensors.
struct MomentumStep {
  double rate = 0;
  torch::Tensor updates;
  double momentum = 0;
  double trust = 1;
  bool rate_inside = false;
  bool nesterov = false;
};

// One step of all groups by the kernel, each with its own decay, counted, where it can do it; else
// false, and nothing is done.
bool StepByKernel(const std::vector<const MomentumGroup*>& groups, const MomentumStep& step,
                  const StepOptions& options);

// Under the names momentum_buffer.<parameter>, and step. The tensors are the live ones.
std::map<std::string, torch::Tensor> MomentumState(const std::vector<const MomentumGroup*>& groups,
                                                   const torch::Tensor& updates);

// Takes such a state into `own`, the live tensors of one. Throws as Optimizer::LoadState.
void LoadInto(std::map<std::string, torch::Tensor> own,
              const std::map<std::string, torch::Tensor>& state);

}  // namespace ocellus::models::optim
