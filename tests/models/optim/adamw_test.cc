#include "models/optim/adamw.h"

#include <gtest/gtest.h>

#include <cmath>

#include "worker/wire/fault.h"

namespace ocellus::models::optim {
namespace {

constexpr AdamWSettings kSettings{.beta1 = 0.9, .beta2 = 0.95, .eps = 1e-4, .weight_decay = 0.3};

struct Scalar {
  double p, m = 0, v = 0;
};

// The definition, one number at a time in double precision.
void ReferenceStep(Scalar& x, double g, int t, double lr, double decay) {
  x.p *= 1 - lr * decay;
  x.m = kSettings.beta1 * x.m + (1 - kSettings.beta1) * g;
  x.v = kSettings.beta2 * x.v + (1 - kSettings.beta2) * g * g;
  const double m = x.m / (1 - std::pow(kSettings.beta1, t));
  const double v = x.v / (1 - std::pow(kSettings.beta2, t));
  x.p -= lr * m / (std::sqrt(v) + kSettings.eps);
}

std::vector<NamedParameter> Parameters() {
  torch::manual_seed(7);
  return {{"matrix", torch::randn({3, 5}).requires_grad_()},
          {"bias", torch::randn({37}).requires_grad_()},
          {"cls_token", torch::randn({1, 1, 4}).requires_grad_()}};
}

torch::Tensor Gradient(const torch::Tensor& like, int step) {
  return torch::sin(torch::arange(like.numel(), torch::kFloat32) * 0.9 + step).view(like.sizes());
}

void ExpectReference(bool decay_all) {
  std::vector<NamedParameter> parameters = Parameters();
  AdamWSettings settings = kSettings;
  settings.decay_all = decay_all;
  std::vector<std::vector<Scalar>> reference;
  for (const auto& [name, tensor] : parameters) {
    auto& scalars = reference.emplace_back();
    const torch::Tensor flat = tensor.detach().flatten();
    for (int64_t i = 0; i < flat.numel(); ++i) scalars.push_back({flat[i].item<double>()});
  }
  const auto optimizer = MakeAdamW(parameters, settings);
  for (int t = 1; t <= 4; ++t) {
    const double lr = t == 1 ? 0.0 : 0.01 * t;
    for (size_t k = 0; k < parameters.size(); ++k) {
      torch::Tensor& tensor = parameters[k].tensor;
      tensor.mutable_grad() = Gradient(tensor, t);
      const torch::Tensor flat = tensor.grad().flatten();
      const bool decays = decay_all || tensor.dim() >= 2;
      for (int64_t i = 0; i < flat.numel(); ++i) {
        ReferenceStep(reference[k][i], flat[i].item<double>(), t, lr, decays ? 0.3 : 0.0);
      }
    }
    optimizer->Step(lr);
  }
  for (size_t k = 0; k < parameters.size(); ++k) {
    const torch::Tensor flat = parameters[k].tensor.detach().flatten();
    for (int64_t i = 0; i < flat.numel(); ++i) {
      EXPECT_NEAR(flat[i].item<double>(), reference[k][i].p, 2e-6) << parameters[k].name;
    }
  }
  EXPECT_EQ(optimizer->steps(), 4);
}

TEST(AdamW, DecaysTensorsOfTwoDimensions) { ExpectReference(false); }

TEST(AdamW, DecaysEverythingWhenAsked) { ExpectReference(true); }

TEST(AdamW, IsTorchs) {
  std::vector<NamedParameter> parameters = Parameters();
  torch::Tensor twin = parameters[0].tensor.detach().clone().requires_grad_();
  torch::optim::AdamW theirs(
      {twin}, torch::optim::AdamWOptions(0.02).betas({0.9, 0.95}).eps(1e-4).weight_decay(0.3));
  const auto ours = MakeAdamW({parameters[0]}, kSettings);
  for (int t = 1; t <= 5; ++t) {
    parameters[0].tensor.mutable_grad() = Gradient(twin, t);
    twin.mutable_grad() = Gradient(twin, t);
    ours->Step(0.02);
    theirs.step();
  }
  EXPECT_TRUE(torch::allclose(parameters[0].tensor, twin, 1e-6, 1e-6));
}

void Train(Optimizer& optimizer, std::vector<NamedParameter>& parameters, int from, int to) {
  for (int t = from; t < to; ++t) {
    for (auto& [name, tensor] : parameters) tensor.mutable_grad() = Gradient(tensor, t);
    optimizer.Step(0.01);
  }
}

TEST(AdamW, GoesOnBitForBitFromItsState) {
  std::vector<NamedParameter> straight = Parameters();
  const auto one = MakeAdamW(straight, kSettings);
  Train(*one, straight, 0, 3);
  std::map<std::string, torch::Tensor> state;
  for (const auto& [name, tensor] : one->State()) state[name] = tensor.clone();
  std::vector<NamedParameter> resumed;
  for (const auto& [name, tensor] : straight) {
    resumed.push_back({name, tensor.detach().clone().requires_grad_()});
  }
  Train(*one, straight, 3, 6);

  const auto two = MakeAdamW(resumed, kSettings);
  two->LoadState(state);
  EXPECT_EQ(two->steps(), 3);
  Train(*two, resumed, 3, 6);
  for (size_t k = 0; k < straight.size(); ++k) {
    EXPECT_TRUE(torch::equal(straight[k].tensor, resumed[k].tensor));
  }
}

TEST(AdamW, NamesItsState) {
  const auto optimizer = MakeAdamW(Parameters(), kSettings);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : optimizer->State()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"exp_avg.bias", "exp_avg.cls_token", "exp_avg.matrix",
                                             "exp_avg_sq.bias", "exp_avg_sq.cls_token",
                                             "exp_avg_sq.matrix", "step"}));
}

TEST(AdamW, ListsEveryFaultOfAForeignState) {
  const auto optimizer = MakeAdamW(Parameters(), kSettings);
  auto state = optimizer->State();
  state.erase("exp_avg.bias");
  state["exp_avg.matrix"] = torch::zeros({5, 3});
  state["exp_avg.other"] = torch::zeros({1});
  try {
    optimizer->LoadState(state);
    FAIL();
  } catch (const wire::Fault& fault) {
    const std::string message = fault.what();
    EXPECT_EQ(fault.outcome(), "WEIGHTS_MISMATCH");
    for (const char* part :
         {"missing: exp_avg.bias", "exp_avg.matrix has shape [5, 3], expected [3, 5]",
          "unexpected: exp_avg.other"}) {
      EXPECT_NE(message.find(part), std::string::npos) << message;
    }
  }
}

}  // namespace
}  // namespace ocellus::models::optim
