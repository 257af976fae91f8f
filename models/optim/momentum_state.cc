#include "models/optim/momentum_state.h"

#include <utility>

#include "models/ops/launch.h"
#include "models/ops/step_numbers.h"
#include "models/optim/state_check.h"

namespace ocellus::models::optim {
namespace {

constexpr char kBuffer[] = "momentum_buffer.";
constexpr char kSteps[] = "step";

}  // namespace

void MomentumGroup::Add(NamedParameter parameter) {
  buffers.push_back(torch::zeros_like(parameter.tensor).detach());
  ParameterGroup::Add(std::move(parameter));
}

bool StepByKernel(const std::vector<const MomentumGroup*>& groups, const MomentumStep& step,
                  const StepOptions& options) {
  std::vector<kernels::MomentumTensor> tensors;
  torch::Tensor first;
  for (const MomentumGroup* group : groups) {
    if (!group->FitsKernels({group->Gradients(), group->buffers})) return false;
    for (size_t i = 0; i < group->tensors.size(); ++i) {
      first = group->tensors[i];
      tensors.push_back({.count = first.numel(),
                         .parameter = ops::Floats(first),
                         .gradient = ops::Floats(first.grad()),
                         .buffer = ops::Floats(group->buffers[i]),
                         .decay = static_cast<float>(group->weight_decay),
                         .adapts = group->adapts,
                         .followers = group->Followers(i, options)});
    }
  }
  if (!first.defined()) return false;  // nothing to do but to count
  const auto size = static_cast<int64_t>(tensors.size());
  const torch::Tensor scratch = torch::empty({kernels::MomentumScratch(tensors.data(), size)},
                                             first.options().requires_grad(false));
  const torch::Tensor numbers = NumbersFor(first, step.rate, options);
  const kernels::MomentumArgs args{.tensors = tensors.data(),
                                   .size = size,
                                   .numbers = ops::NumbersIn(numbers),
                                   .updates = step.updates.data_ptr<int64_t>(),
                                   .momentum = step.momentum,
                                   .trust = step.trust,
                                   .rate_inside = step.rate_inside,
                                   .nesterov = step.nesterov,
                                   .clip_factor = ops::Floats(options.gradient_factor),
                                   .scratch = ops::Floats(scratch)};
  OCELLUS_LAUNCH(Momentum, first, args);
  return true;
}

std::map<std::string, torch::Tensor> MomentumState(const std::vector<const MomentumGroup*>& groups,
                                                   const torch::Tensor& updates) {
  std::map<std::string, torch::Tensor> state;
  for (const MomentumGroup* group : groups) {
    for (size_t i = 0; i < group->names.size(); ++i) {
      state[kBuffer + group->names[i]] = group->buffers[i];
    }
  }
  state[kSteps] = updates;
  return state;
}

void LoadInto(std::map<std::string, torch::Tensor> own,
              const std::map<std::string, torch::Tensor>& state) {
  CheckState(own, state, "the optimizer state");
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : own) tensor.copy_(state.at(name));
}

}  // namespace ocellus::models::optim
