#include "models/optim/lars.h"

#include <utility>

#include "models/optim/momentum_state.h"

namespace ocellus::models::optim {
namespace {

bool IsNormOrBias(const NamedParameter& parameter) {
  const std::string& name = parameter.name;
  const std::string leaf = name.substr(name.rfind('.') + 1);
  if (leaf == "bias") return true;
  if (leaf == "weight" && parameter.tensor.dim() == 1) return true;
  return name.find("norm") != std::string::npos || name.find("bn") != std::string::npos;
}

bool Adapts(const NamedParameter& parameter, LarsForm form) {
  return form == LarsForm::kByol ? !IsNormOrBias(parameter) : parameter.tensor.dim() >= 2;
}

class Lars final : public Optimizer {
 public:
  Lars(std::vector<NamedParameter> parameters, const LarsSettings& settings)
      : settings_(settings), updates_(NoUpdates(parameters)) {
    adapted_.weight_decay = settings.weight_decay;
    adapted_.adapts = true;
    for (NamedParameter& parameter : parameters) {
      (Adapts(parameter, settings.form) ? adapted_ : plain_).Add(std::move(parameter));
    }
  }

  using Optimizer::Step;
  void Step(double lr, const StepOptions& options) override {
    const torch::NoGradGuard no_grad;
    const MomentumStep step{.rate = lr,
                            .updates = updates_,
                            .momentum = settings_.momentum,
                            .trust = settings_.trust_coefficient,
                            .rate_inside = settings_.form == LarsForm::kSimclr};
    if (StepByKernel({&plain_, &adapted_}, step, options) || IsRefused(options)) return;
    updates_.add_(1);
    if (!plain_.tensors.empty()) Move(plain_, plain_.ScaledGradients(options), lr);
    if (!adapted_.tensors.empty()) Move(adapted_, AdaptedGradients(options), lr);
    plain_.MoveAverages(options);
    adapted_.MoveAverages(options);
  }

  void Follow(const std::map<std::string, torch::Tensor>& averages) override {
    FollowIn({&plain_, &adapted_}, averages);
  }

  int64_t steps() const override { return updates_.item<int64_t>(); }

  std::map<std::string, torch::Tensor> State() const override {
    return MomentumState({&plain_, &adapted_}, updates_);
  }

  void LoadState(const std::map<std::string, torch::Tensor>& state) override {
    LoadInto(State(), state);
  }

 private:
  std::vector<torch::Tensor> AdaptedGradients(const StepOptions& options) const {
    std::vector<torch::Tensor> updates = at::_foreach_add(adapted_.ScaledGradients(options),
                                                          adapted_.tensors, settings_.weight_decay);
    const torch::Tensor sizes = torch::stack(at::_foreach_norm(adapted_.tensors));
    const torch::Tensor steepness = torch::stack(at::_foreach_norm(updates));
    const torch::Tensor trust = torch::where((sizes > 0) & (steepness > 0),
                                             settings_.trust_coefficient * sizes / steepness, 1.0);
    at::_foreach_mul_(updates, trust.unbind());
    return updates;
  }

  void Move(MomentumGroup& group, const std::vector<torch::Tensor>& updates, double lr) const {
    const bool inside = settings_.form == LarsForm::kSimclr;
    at::_foreach_mul_(group.buffers, settings_.momentum);
    at::_foreach_add_(group.buffers, updates, inside ? lr : 1.0);
    at::_foreach_add_(group.tensors, group.buffers, inside ? -1.0 : -lr);
  }

  LarsSettings settings_;
  MomentumGroup plain_, adapted_;
  torch::Tensor updates_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeLars(std::vector<NamedParameter> parameters,
                                    const LarsSettings& settings) {
  return std::make_unique<Lars>(std::move(parameters), settings);
}

}  // namespace ocellus::models::optim
