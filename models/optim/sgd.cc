#include "models/optim/sgd.h"

#include <utility>

#include "models/optim/momentum_state.h"

namespace ocellus::models::optim {
namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(std::vector<NamedParameter> parameters, const SgdSettings& settings) : settings_(settings) {
    for (NamedParameter& parameter : parameters) {
      const bool decays = settings.decay_all || parameter.tensor.dim() >= 2;
      (decays ? decayed_ : plain_).Add(std::move(parameter));
    }
  }

  void Step(double lr) override {
    const torch::NoGradGuard no_grad;
    ++steps_;
    StepOf(plain_, 0, lr);
    StepOf(decayed_, settings_.weight_decay, lr);
  }

  int64_t steps() const override { return steps_; }

  std::map<std::string, torch::Tensor> State() const override {
    return MomentumState({&plain_, &decayed_}, steps_);
  }

  void LoadState(const std::map<std::string, torch::Tensor>& state) override {
    steps_ = LoadMomentumState(State(), state);
  }

 private:
  void StepOf(MomentumGroup& group, double weight_decay, double lr) {
    if (group.tensors.empty()) return;
    std::vector<torch::Tensor> updates = group.Gradients();
    if (weight_decay != 0) updates = at::_foreach_add(updates, group.tensors, weight_decay);
    at::_foreach_mul_(group.buffers, settings_.momentum);
    at::_foreach_add_(group.buffers, updates);
    if (settings_.nesterov) {
      updates = at::_foreach_add(updates, group.buffers, settings_.momentum);
    } else {
      updates = group.buffers;
    }
    at::_foreach_add_(group.tensors, updates, -lr);
  }

  SgdSettings settings_;
  MomentumGroup plain_, decayed_;
  int64_t steps_ = 0;
};

}  // namespace

std::unique_ptr<Optimizer> MakeSgd(std::vector<NamedParameter> parameters,
                                   const SgdSettings& settings) {
  return std::make_unique<Sgd>(std::move(parameters), settings);
}

}  // namespace ocellus::models::optim
