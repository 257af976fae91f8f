#include "models/optim/sgd.h"

#include <utility>

#include "models/optim/momentum_state.h"

namespace ocellus::models::optim {
namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(std::vector<NamedParameter> parameters, const SgdSettings& settings)
      : settings_(settings), updates_(NoUpdates(parameters)) {
    decayed_.weight_decay = settings.weight_decay;
    for (NamedParameter& parameter : parameters) {
      const bool decays = settings.decay_all || parameter.tensor.dim() >= 2;
      (decays ? decayed_ : plain_).Add(std::move(parameter));
    }
  }

  using Optimizer::Step;
  void Step(double lr, const StepOptions& options) override {
    const torch::NoGradGuard no_grad;
    const MomentumStep step{.rate = lr,
                            .updates = updates_,
                            .momentum = settings_.momentum,
                            .nesterov = settings_.nesterov};
    if (StepByKernel({&plain_, &decayed_}, step, options) || IsRefused(options)) return;
    updates_.add_(1);
    StepByAten(plain_, lr, options);
    StepByAten(decayed_, lr, options);
  }

  void Follow(const std::map<std::string, torch::Tensor>& averages) override {
    FollowIn({&plain_, &decayed_}, averages);
  }

  int64_t steps() const override { return updates_.item<int64_t>(); }

  std::map<std::string, torch::Tensor> State() const override {
    return MomentumState({&plain_, &decayed_}, updates_);
  }

  void LoadState(const std::map<std::string, torch::Tensor>& state) override {
    LoadInto(State(), state);
  }

 private:
  void StepByAten(MomentumGroup& group, double lr, const StepOptions& options) {
    if (group.tensors.empty()) return;
    std::vector<torch::Tensor> updates = group.ScaledGradients(options);
    if (group.weight_decay != 0) {
      updates = at::_foreach_add(updates, group.tensors, group.weight_decay);
    }
    at::_foreach_mul_(group.buffers, settings_.momentum);
    at::_foreach_add_(group.buffers, updates);
    if (settings_.nesterov) {
      updates = at::_foreach_add(updates, group.buffers, settings_.momentum);
    } else {
      updates = group.buffers;
    }
    at::_foreach_add_(group.tensors, updates, -lr);
    group.MoveAverages(options);
  }

  SgdSettings settings_;
  MomentumGroup plain_, decayed_;
  torch::Tensor updates_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeSgd(std::vector<NamedParameter> parameters,
                                   const SgdSettings& settings) {
  return std::make_unique<Sgd>(std::move(parameters), settings);
}

}  // namespace ocellus::models::optim
