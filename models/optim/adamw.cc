#include "models/optim/adamw.h"

#include <stdexcept>
#include <utility>

#include "models/optim/state_check.h"

namespace ocellus::models::optim {
namespace {

constexpr char kFirstMoment[] = "exp_avg.";
constexpr char kSecondMoment[] = "exp_avg_sq.";
constexpr char kStep[] = "step";

// Parameters that share a decay, as the fused operator wants them.
struct Group {
  double weight_decay = 0;
  std::vector<std::string> names;
  std::vector<torch::Tensor> tensors, first_moments, second_moments, steps;
};

class AdamW final : public Optimizer {
 public:
  AdamW(std::vector<NamedParameter> parameters, const AdamWSettings& settings)
      : settings_(settings) {
    groups_[0].weight_decay = 0;
    groups_[1].weight_decay = settings.weight_decay;
    for (NamedParameter& parameter : parameters) {
      const bool decays = settings.decay_all || parameter.tensor.dim() >= 2;
      Add(groups_[decays ? 1 : 0], std::move(parameter));
    }
  }

  void Step(double lr) override {
    const torch::NoGradGuard no_grad;
    ++steps_;
    for (Group& group : groups_) {
      if (group.tensors.empty()) continue;
      group.steps[0].fill_(steps_);
      at::_fused_adamw_(group.tensors, Gradients(group), group.first_moments, group.second_moments,
                        {}, group.steps, lr, settings_.beta1, settings_.beta2, group.weight_decay,
                        settings_.eps, /*amsgrad=*/false,
                        /*maximize=*/false);
    }
  }

  int64_t steps() const override { return steps_; }

  std::map<std::string, torch::Tensor> State() const override {
    std::map<std::string, torch::Tensor> state;
    for (const Group& group : groups_) {
      for (size_t i = 0; i < group.names.size(); ++i) {
        state[kFirstMoment + group.names[i]] = group.first_moments[i];
        state[kSecondMoment + group.names[i]] = group.second_moments[i];
      }
    }
    state[kStep] = torch::tensor(steps_, torch::kInt64);
    return state;
  }

  void LoadState(const std::map<std::string, torch::Tensor>& state) override {
    std::map<std::string, torch::Tensor> own = State();
    CheckState(own, state, "the optimizer state");
    const torch::NoGradGuard no_grad;
    for (auto& [name, tensor] : own) tensor.copy_(state.at(name));
    steps_ = state.at(kStep).item<int64_t>();
  }

 private:
  static void Add(Group& group, NamedParameter parameter) {
    group.names.push_back(parameter.name);
    group.first_moments.push_back(torch::zeros_like(parameter.tensor));
    group.second_moments.push_back(torch::zeros_like(parameter.tensor));
    // The operator only reads the count, so one tensor serves all.
    group.steps.push_back(group.steps.empty()
                              ? torch::zeros({}, parameter.tensor.options().requires_grad(false))
                              : group.steps[0]);
    group.tensors.push_back(std::move(parameter.tensor));
  }

  static std::vector<torch::Tensor> Gradients(const Group& group) {
    std::vector<torch::Tensor> gradients;
    gradients.reserve(group.tensors.size());
    for (size_t i = 0; i < group.tensors.size(); ++i) {
      if (!group.tensors[i].grad().defined()) {
        throw std::logic_error("no gradient for " + group.names[i]);
      }
      gradients.push_back(group.tensors[i].grad());
    }
    return gradients;
  }

  AdamWSettings settings_;
  Group groups_[2];  // without and with decay
  int64_t steps_ = 0;
};

}  // namespace

std::unique_ptr<Optimizer> MakeAdamW(std::vector<NamedParameter> parameters,
                                     const AdamWSettings& settings) {
  return std::make_unique<AdamW>(std::move(parameters), settings);
}

}  // namespace ocellus::models::optim
