// What optimizers with one momentum buffer a parameter keep.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/optim/optimizer.h"

namespace ocellus::models::optim {

// Parameters treated alike, and their buffers (0 at the start), in the same order.
struct MomentumGroup {
  std::vector<std::string> names;
  std::vector<torch::Tensor> tensors, buffers;

  void Add(NamedParameter parameter);
  // The .grad of each; throws std::logic_error when one is missing.
  std::vector<torch::Tensor> Gradients() const;
};

// Under the names momentum_buffer.<parameter>, and step. The tensors are the live ones.
std::map<std::string, torch::Tensor> MomentumState(const std::vector<const MomentumGroup*>& groups,
                                                   int64_t steps);

// Takes such a state into `own`, a MomentumState. Returns its steps. Throws as
// Optimizer::LoadState.
int64_t LoadMomentumState(std::map<std::string, torch::Tensor> own,
                          const std::map<std::string, torch::Tensor>& state);

}  // namespace ocellus::models::optim
