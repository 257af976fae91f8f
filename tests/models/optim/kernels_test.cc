// Optimizers by the kernels beside ATen's operators: the same numbers, with everything that goes
// along in the pass.
#include <gtest/gtest.h>

#include "models/ops/launch.h"
#include "models/optim/adamw.h"
#include "models/optim/lars.h"
#include "models/optim/sgd.h"

namespace ocellus::models::optim {
namespace {

using Make = std::function<std::unique_ptr<Optimizer>(std::vector<NamedParameter>)>;

struct Trained {
  std::vector<NamedParameter> parameters;
  std::map<std::string, torch::Tensor> averages, state;
};

Trained Train(const Make& make, bool kernels) {
  torch::manual_seed(7);
  Trained out;
  for (const auto& [name, shape] : std::map<std::string, std::vector<int64_t>>{
           {"bias", {37}}, {"empty", {0, 3}}, {"matrix", {30, 51}}, {"token", {1, 1, 1}}}) {
    out.parameters.push_back({name, torch::randn(shape).requires_grad_()});
    if (name != "bias") out.averages[name] = torch::randn(shape);
  }
  const auto optimizer = make(out.parameters);
  optimizer->Follow(out.averages);
  ops::SetUseKernels(kernels);
  for (int step = 0; step < 3; ++step) {
    for (auto& [name, tensor] : out.parameters) {
      tensor.mutable_grad() = torch::sin(tensor.detach() * 3 + step);
    }
    StepOptions options{.gradient_factor = torch::tensor(0.3f)};
    if (step != 1) options.average_momentum = 0.9;
    optimizer->Step(0.05, options);
  }
  ops::SetUseKernels(true);
  out.state = optimizer->State();
  return out;
}

void ExpectEqual(const torch::Tensor& one, const torch::Tensor& two, const std::string& name) {
  EXPECT_TRUE(torch::allclose(one, two, 1e-5, 1e-6)) << name;
}

void ExpectAtens(const Make& make) {
  const Trained own = Train(make, true), aten = Train(make, false);
  for (size_t i = 0; i < own.parameters.size(); ++i) {
    ExpectEqual(own.parameters[i].tensor, aten.parameters[i].tensor, own.parameters[i].name);
  }
  for (const auto& [name, average] : own.averages) {
    ExpectEqual(average, aten.averages.at(name), "average of " + name);
  }
  for (const auto& [name, tensor] : own.state) ExpectEqual(tensor, aten.state.at(name), name);
}

TEST(OptimizerKernels, AreAtensNumbers) {
  ExpectAtens([](auto parameters) { return MakeAdamW(parameters, {.weight_decay = 0.3}); });
  for (const LarsForm form : {LarsForm::kMoco, LarsForm::kSimclr, LarsForm::kByol}) {
    ExpectAtens(
        [&](auto parameters) { return MakeLars(parameters, {.form = form, .weight_decay = 0.3}); });
  }
  for (const bool nesterov : {false, true}) {
    ExpectAtens([&](auto parameters) {
      return MakeSgd(parameters, {.momentum = 0.9, .weight_decay = 0.3, .nesterov = nesterov});
    });
  }
}

TEST(OptimizerKernels, FollowOnlyParametersThatAreThere) {
  const auto optimizer = MakeSgd({{"one", torch::zeros({2})}}, {});
  EXPECT_THROW(optimizer->Follow({{"other", torch::zeros({2})}}), std::logic_error);
}

TEST(OptimizerKernels, LeaveOtherLayoutsToAten) {
  torch::Tensor matrix = torch::randn({3, 4}).t().requires_grad_();
  const torch::Tensor before = matrix.detach().clone();
  matrix.mutable_grad() = torch::ones({4, 3});  // not laid out as the parameter is
  const auto optimizer = MakeSgd({{"matrix", matrix}}, {});
  optimizer->Step(0.5);
  EXPECT_TRUE(torch::allclose(matrix.detach(), before - 0.5));
}

// A factor that is no number refuses an update, by the kernels and by ATen alike.
TEST(OptimizerKernels, RefusedUpdatesChangeNothing) {
  const std::vector<Make> makes = {
      [](auto parameters) { return MakeAdamW(parameters, {.weight_decay = 0.3}); },
      [](auto parameters) { return MakeSgd(parameters, {.momentum = 0.9, .weight_decay = 0.3}); },
      [](auto parameters) { return MakeLars(parameters, {.momentum = 0.9, .weight_decay = 0.3}); }};
  for (const Make& make : makes) {
    for (const bool kernels : {true, false}) {
      const torch::Tensor parameter = torch::randn({3, 4}), average = torch::randn({3, 4});
      const torch::Tensor before = parameter.clone(), followed = average.clone();
      parameter.requires_grad_();
      const auto optimizer = make({{"p", parameter}});
      optimizer->Follow({{"p", average}});
      parameter.mutable_grad() = torch::ones({3, 4});
      const auto state = optimizer->State();
      std::map<std::string, torch::Tensor> copies;
      for (const auto& [name, tensor] : state) copies[name] = tensor.clone();
      ops::SetUseKernels(kernels);
      optimizer->Step(0.1,
                      {.gradient_factor = torch::tensor(std::nanf("")), .average_momentum = 0.5});
      ops::SetUseKernels(true);
      EXPECT_EQ(optimizer->steps(), 0);
      EXPECT_TRUE(torch::equal(parameter, before));
      EXPECT_TRUE(torch::equal(average, followed));
      for (const auto& [name, tensor] : optimizer->State()) {
        EXPECT_TRUE(torch::equal(tensor, copies.at(name))) << name;
      }
    }
  }
}

}  // namespace
}  // namespace ocellus::models::optim
