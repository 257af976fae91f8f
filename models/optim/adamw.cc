#include "models/optim/adamw.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "models/ops/launch.h"
#include "models/ops/step_numbers.h"
#include "models/optim/parameter_group.h"
#include "models/optim/state_check.h"

namespace ocellus::models::optim {
namespace {

constexpr char kFirstMoment[] = "exp_avg.";
constexpr char kSecondMoment[] = "exp_avg_sq.";
constexpr char kStep[] = "step";

struct Group : ParameterGroup {
  std::vector<torch::Tensor> first_moments, second_moments;
  std::vector<torch::Tensor> steps;  // as ATen's operator wants them
};

class AdamW final : public Optimizer {
 public:
  AdamW(std::vector<NamedParameter> parameters, const AdamWSettings& settings)
      : settings_(settings), updates_(NoUpdates(parameters)) {
    groups_[0].weight_decay = 0;
    groups_[1].weight_decay = settings.weight_decay;
    for (NamedParameter& parameter : parameters) {
      const bool decays = settings.decay_all || parameter.tensor.dim() >= 2;
      Add(groups_[decays ? 1 : 0], std::move(parameter));
    }
  }

  using Optimizer::Step;
  void Step(double lr, const StepOptions& options) override {
    const torch::NoGradGuard no_grad;
    const bool fits = std::all_of(std::begin(groups_), std::end(groups_), [](const Group& group) {
      return group.FitsKernels({group.Gradients(), group.first_moments, group.second_moments});
    });
    if (!fits || !StepByKernel(lr, options)) StepByAten(lr, options);
  }

  void Follow(const std::map<std::string, torch::Tensor>& averages) override {
    FollowIn({&groups_[0], &groups_[1]}, averages);
  }

  int64_t steps() const override { return updates_.item<int64_t>(); }

  std::map<std::string, torch::Tensor> State() const override {
    std::map<std::string, torch::Tensor> state;
    for (const Group& group : groups_) {
      for (size_t i = 0; i < group.names.size(); ++i) {
        state[kFirstMoment + group.names[i]] = group.first_moments[i];
        state[kSecondMoment + group.names[i]] = group.second_moments[i];
      }
    }
    state[kStep] = updates_;
    return state;
  }

  void LoadState(const std::map<std::string, torch::Tensor>& state) override {
    std::map<std::string, torch::Tensor> own = State();
    CheckState(own, state, "the optimizer state");
    const torch::NoGradGuard no_grad;
    for (auto& [name, tensor] : own) tensor.copy_(state.at(name));
  }

 private:
  static void Add(Group& group, NamedParameter parameter) {
    group.first_moments.push_back(torch::zeros_like(parameter.tensor));
    group.second_moments.push_back(torch::zeros_like(parameter.tensor));
    // The operator only reads the count, so one tensor serves all.
    group.steps.push_back(group.steps.empty()
                              ? torch::zeros({}, parameter.tensor.options().requires_grad(false))
                              : group.steps[0]);
    group.ParameterGroup::Add(std::move(parameter));
  }

  // False where there is nothing to do but to count.
  bool StepByKernel(double lr, const StepOptions& options) const {
    std::vector<kernels::AdamWTensor> tensors;
    for (const Group& group : groups_) {
      for (size_t i = 0; i < group.tensors.size(); ++i) {
        tensors.push_back({.count = group.tensors[i].numel(),
                           .parameter = ops::Floats(group.tensors[i]),
                           .gradient = ops::Floats(group.tensors[i].grad()),
                           .first_moment = ops::Floats(group.first_moments[i]),
                           .second_moment = ops::Floats(group.second_moments[i]),
                           .decay = static_cast<float>(group.weight_decay),
                           .followers = group.Followers(i, options)});
      }
    }
    if (tensors.empty()) return false;
    const torch::Tensor& first = groups_[groups_[0].tensors.empty() ? 1 : 0].tensors[0];
    const torch::Tensor numbers = NumbersFor(first, lr, options);
    const torch::Tensor scratch =
        torch::empty({kernels::kAdamWScratch}, first.options().requires_grad(false));
    const kernels::AdamWArgs args{.tensors = tensors.data(),
                                  .size = static_cast<int64_t>(tensors.size()),
                                  .numbers = ops::NumbersIn(numbers),
                                  .updates = updates_.data_ptr<int64_t>(),
                                  .beta1 = settings_.beta1,
                                  .beta2 = settings_.beta2,
                                  .eps = settings_.eps,
                                  .clip_factor = ops::Floats(options.gradient_factor),
                                  .scratch = ops::Floats(scratch)};
    OCELLUS_LAUNCH(AdamW, first, args);
    return true;
  }

  void StepByAten(double lr, const StepOptions& options) {
    if (IsRefused(options)) return;
    updates_.add_(1);
    for (Group& group : groups_) {
      if (group.tensors.empty()) continue;
      group.steps[0].copy_(updates_);
      at::_fused_adamw_(group.tensors, group.ScaledGradients(options), group.first_moments,
                        group.second_moments, {}, group.steps, lr, settings_.beta1, settings_.beta2,
                        group.weight_decay, settings_.eps, /*amsgrad=*/false,
                        /*maximize=*/false);
      group.MoveAverages(options);
    }
  }

  AdamWSettings settings_;
  Group groups_[2];  // without and with decay
  torch::Tensor updates_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeAdamW(std::vector<NamedParameter> parameters,
                                     const AdamWSettings& settings) {
  return std::make_unique<AdamW>(std::move(parameters), settings);
}

}  // namespace ocellus::models::optim
