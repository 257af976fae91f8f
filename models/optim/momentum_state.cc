#include "models/optim/momentum_state.h"

#include <stdexcept>
#include <utility>

#include "models/optim/state_check.h"

namespace ocellus::models::optim {
namespace {

constexpr char kBuffer[] = "momentum_buffer.";
constexpr char kStep[] = "step";

}  // namespace

void MomentumGroup::Add(NamedParameter parameter) {
  names.push_back(std::move(parameter.name));
  buffers.push_back(torch::zeros_like(parameter.tensor).detach());
  tensors.push_back(std::move(parameter.tensor));
}

std::vector<torch::Tensor> MomentumGroup::Gradients() const {
  std::vector<torch::Tensor> gradients;
  gradients.reserve(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].grad().defined()) throw std::logic_error("no gradient for " + names[i]);
    gradients.push_back(tensors[i].grad());
  }
  return gradients;
}

std::map<std::string, torch::Tensor> MomentumState(const std::vector<const MomentumGroup*>& groups,
                                                   int64_t steps) {
  std::map<std::string, torch::Tensor> state;
  for (const MomentumGroup* group : groups) {
    for (size_t i = 0; i < group->names.size(); ++i) {
      state[kBuffer + group->names[i]] = group->buffers[i];
    }
  }
  state[kStep] = torch::tensor(steps, torch::kInt64);
  return state;
}

int64_t LoadMomentumState(std::map<std::string, torch::Tensor> own,
                          const std::map<std::string, torch::Tensor>& state) {
  CheckState(own, state, "the optimizer state");
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : own) tensor.copy_(state.at(name));
  return state.at(kStep).item<int64_t>();
}

}  // namespace ocellus::models::optim
