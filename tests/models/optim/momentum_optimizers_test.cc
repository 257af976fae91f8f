// LARS and SGD against LibTorch's own SGD and against their formulas, in fp64.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "models/optim/lars.h"
#include "models/optim/sgd.h"
#include "worker/wire/fault.h"

namespace ocellus::models::optim {
namespace {

constexpr double kRate = 0.1;

std::vector<NamedParameter> Parameters() {
  torch::manual_seed(3);
  return {{"conv1.weight", torch::randn({4, 3}, torch::kFloat64)},
          {"bn1.weight", torch::randn({4}, torch::kFloat64)},
          {"fc.bias", torch::randn({4}, torch::kFloat64)},
          {"norm.table", torch::randn({2, 2}, torch::kFloat64)},
          {"nothing", torch::zeros({2, 2}, torch::kFloat64)}};
}

void DrawGradients(std::vector<NamedParameter>& parameters, int64_t step) {
  torch::manual_seed(static_cast<uint64_t>(100 + step));
  for (auto& parameter : parameters) {
    parameter.tensor.mutable_grad() = torch::randn_like(parameter.tensor);
  }
}

using Formula = std::function<void(const std::string& name, torch::Tensor p, torch::Tensor g,
                                   torch::Tensor& buffer)>;

// Three steps of `optimizer` over `own`, and of the formula over copies.
void ExpectFormula(Optimizer& optimizer, std::vector<NamedParameter>& own, const Formula& formula) {
  std::vector<torch::Tensor> exact, buffers;
  for (const auto& parameter : own) {
    exact.push_back(parameter.tensor.clone());
    buffers.push_back(torch::zeros_like(exact.back()));
  }
  for (int64_t step = 0; step < 3; ++step) {
    DrawGradients(own, step);
    for (size_t i = 0; i < own.size(); ++i) {
      formula(own[i].name, exact[i], own[i].tensor.grad().clone(), buffers[i]);
    }
    optimizer.Step(kRate);
  }
  EXPECT_EQ(optimizer.steps(), 3);
  for (size_t i = 0; i < own.size(); ++i) {
    EXPECT_TRUE(torch::allclose(own[i].tensor, exact[i], 1e-12, 1e-14)) << own[i].name;
  }
}

TEST(Sgd, IsLibTorchs) {
  for (const bool nesterov : {false, true}) {
    std::vector<NamedParameter> own = Parameters(), theirs = Parameters();
    const auto optimizer = MakeSgd(
        own, {.momentum = 0.9, .weight_decay = 0.3, .nesterov = nesterov, .decay_all = true});
    std::vector<torch::Tensor> tensors;
    for (const auto& parameter : theirs) tensors.push_back(parameter.tensor);
    torch::optim::SGD sgd(
        tensors,
        torch::optim::SGDOptions(kRate).momentum(0.9).weight_decay(0.3).nesterov(nesterov));
    for (int64_t step = 0; step < 3; ++step) {
      DrawGradients(own, step);
      DrawGradients(theirs, step);
      optimizer->Step(kRate);
      sgd.step();
    }
    for (size_t i = 0; i < own.size(); ++i) {
      EXPECT_TRUE(torch::allclose(own[i].tensor, theirs[i].tensor, 1e-12, 1e-14)) << own[i].name;
    }
  }
}

TEST(Sgd, DecaysTensorsOfTwoDimensionsUnlessToldOtherwise) {
  std::vector<NamedParameter> own = Parameters();
  const auto optimizer = MakeSgd(own, {.weight_decay = 0.3});
  ExpectFormula(*optimizer, own, [](const auto&, torch::Tensor p, torch::Tensor g, auto&) {
    if (p.dim() >= 2) g += 0.3 * p;
    p -= kRate * g;
  });
}

torch::Tensor Adapted(const torch::Tensor& p, torch::Tensor g) {
  g = g + 0.2 * p;
  const bool both = p.norm().item<double>() > 0 && g.norm().item<double>() > 0;
  return both ? g * (0.01 * p.norm() / g.norm()) : g;
}

constexpr LarsSettings kLars{.momentum = 0.8, .weight_decay = 0.2, .trust_coefficient = 0.01};

TEST(Lars, OfMocoHasTheRateOutside) {
  std::vector<NamedParameter> own = Parameters();
  const auto optimizer = MakeLars(own, kLars);
  ExpectFormula(*optimizer, own,
                [](const auto&, torch::Tensor p, torch::Tensor g, torch::Tensor& buffer) {
                  buffer = 0.8 * buffer + (p.dim() >= 2 ? Adapted(p, g) : g);
                  p -= kRate * buffer;
                });
}

TEST(Lars, OfSimclrHasTheRateInside) {
  std::vector<NamedParameter> own = Parameters();
  LarsSettings settings = kLars;
  settings.form = LarsForm::kSimclr;
  const auto optimizer = MakeLars(own, settings);
  for (const double rate : {0.1, 0.5}) {
    std::vector<torch::Tensor> before;
    const auto state = optimizer->State();
    std::map<std::string, torch::Tensor> buffers;
    for (const auto& [name, tensor] : state) buffers[name] = tensor.clone();
    DrawGradients(own, 1);
    std::vector<torch::Tensor> expected;
    for (const auto& parameter : own) {
      const torch::Tensor p = parameter.tensor, g = p.grad();
      const torch::Tensor update = p.dim() >= 2 ? Adapted(p, g) : g;
      expected.push_back(p - (0.8 * buffers["momentum_buffer." + parameter.name] + rate * update));
    }
    optimizer->Step(rate);
    for (size_t i = 0; i < own.size(); ++i) {
      EXPECT_TRUE(torch::allclose(own[i].tensor, expected[i], 1e-12, 1e-14)) << own[i].name;
    }
  }
}

TEST(Lars, OfByolSkipsByName) {
  std::vector<NamedParameter> own = Parameters();
  own.push_back({"scale", torch::ones({3}, torch::kFloat64)});
  LarsSettings settings = kLars;
  settings.form = LarsForm::kByol;
  const auto optimizer = MakeLars(own, settings);
  ExpectFormula(
      *optimizer, own,
      [](const std::string& name, torch::Tensor p, torch::Tensor g, torch::Tensor& buffer) {
        const bool adapted = name == "conv1.weight" || name == "nothing" || name == "scale";
        buffer = 0.8 * buffer + (adapted ? Adapted(p, g) : g);
        p -= kRate * buffer;
      });
}

TEST(MomentumOptimizers, GoOnFromTheirState) {
  std::vector<NamedParameter> one = Parameters(), two = Parameters();
  const auto first = MakeLars(one, kLars), second = MakeLars(two, kLars);
  DrawGradients(one, 0);
  first->Step(kRate);
  second->LoadState(first->State());
  EXPECT_EQ(second->steps(), 1);
  for (size_t i = 0; i < one.size(); ++i) two[i].tensor.copy_(one[i].tensor);
  DrawGradients(one, 1);
  DrawGradients(two, 1);
  first->Step(kRate);
  second->Step(kRate);
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_TRUE(torch::equal(one[i].tensor, two[i].tensor)) << one[i].name;
  }
  auto state = first->State();
  EXPECT_EQ(state.at("step").item<int64_t>(), 2);
  state.erase("momentum_buffer.fc.bias");
  EXPECT_THROW(second->LoadState(state), wire::Fault);
}

std::string Message(const nlohmann::json& section) {
  torch::nn::Linear module(2, 2);
  try {
    MakeOptimizer(section, *module);
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.outcome(), "BAD_SPEC");
    return fault.what();
  }
  return "";
}

TEST(MomentumOptimizers, AreMadeFromADocument) {
  nlohmann::json lars = {{"lr", 1.0},
                         {"momentum", 0.9},
                         {"weight_decay", 0},
                         {"trust_coefficient", 0.001},
                         {"form", "byol"}};
  EXPECT_EQ(Message({{"lars", lars}}), "");
  lars["form"] = "lamb";
  EXPECT_NE(Message({{"lars", lars}}).find("optimizer.lars.form"), std::string::npos);
  nlohmann::json sgd = {
      {"lr", 1.0}, {"momentum", 0}, {"weight_decay", 0}, {"nesterov", true}, {"decay_all", false}};
  EXPECT_NE(Message({{"sgd", sgd}}).find("optimizer.sgd.nesterov"), std::string::npos);
  sgd["momentum"] = 0.9;
  EXPECT_EQ(Message({{"sgd", sgd}}), "");
}

}  // namespace
}  // namespace ocellus::models::optim
