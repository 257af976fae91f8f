#include "worker/trainer/step.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "worker/trainer/local_ranks.h"

namespace ocellus::trainer {
namespace {

// loss = mean over samples of (w . x - 1)^2.
class Linear final : public models::Objective {
 public:
  Linear() { weight = module_.register_parameter("weight", torch::tensor({{0.5, -0.25}})); }
  models::InputWishes inputs() const override { return {}; }
  torch::nn::Module& module() override { return module_; }
  void initialise(torch::Generator) override {}
  models::StepOutput forward(const models::Tensors& inputs, const models::StepContext&) override {
    return {.loss = (inputs.at("x").mm(weight.t()) - 1).square().mean()};
  }
  void after_step(const models::StepContext& context) override { last_step = context.step; }
  torch::Tensor features(const torch::Tensor& images) override { return images; }
  models::Tensors encoder_weights() override { return {}; }
  std::map<std::string, std::string> encoder_metadata() override { return {}; }

  torch::Tensor weight;
  int64_t last_step = -1;

 private:
  torch::nn::Module module_;
};

models::optim::Schedule WarmUp() {
  return {models::optim::Schedule::Kind::kConstant, 0.1, 0, 2, 10, 0};
}

const nlohmann::json kAdamW = {{"adamw",
                                {{"lr", 0.1},
                                 {"betas", {0.9, 0.999}},
                                 {"eps", 1e-8},
                                 {"weight_decay", 0.0},
                                 {"decay_all", false}}}};

// One rank's objective, optimizer and step over `micro` micro-batches.
struct Trained {
  Trained(const dist::Membership& membership, int64_t micro, double clip_norm)
      : ranks(membership, torch::kCPU),
        optimizer(models::optim::MakeOptimizer(kAdamW, objective.module())),
        step(objective, *optimizer, WarmUp(), ranks, micro, clip_norm) {}
  Linear objective;
  dist::Communicator ranks;
  std::unique_ptr<models::optim::Optimizer> optimizer;
  Step step;
};

torch::Tensor Samples() {
  return torch::tensor(
      {{1., 2.}, {3., -1.}, {0.5, 0.}, {2., 2.}, {-1., 1.}, {0., 4.}, {1., 1.}, {-2., 0.5}});
}

// Loss and gradient norm of the whole batch, computed plainly.
Verdict Expected() {
  Linear plain;
  const torch::Tensor loss = plain.forward({{"x", Samples()}}, {}).loss;
  loss.backward();
  return {.loss = loss.item<double>(), .grad_norm = plain.weight.grad().norm().item<double>()};
}

int LossAndGradientAreOfTheWholeBatch(const dist::Membership& membership, int64_t micro) {
  Trained trained(membership, micro, 0);
  const auto parts = Samples().chunk(membership.world)[membership.rank].chunk(micro);
  auto next = parts.begin();
  const auto computed = trained.step.Backward({}, [&] { return models::Tensors{{"x", *next++}}; });
  const Verdict verdict = trained.step.Judge(computed, {.stop = membership.rank == 1});
  const Verdict expected = Expected();
  if (std::abs(verdict.loss - expected.loss) > 1e-6) return 1;
  if (std::abs(verdict.grad_norm - expected.grad_norm) > 1e-5) return 2;
  if (!verdict.finite) return 3;
  // A stop that one rank was asked for is known to all.
  return verdict.stop == (membership.world > 1) ? 0 : 4;
}

class StepOverRanks : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(StepOverRanks, LossAndGradientAreOfTheWholeBatch) {
  const auto [ranks, micro] = GetParam();
  EXPECT_EQ(RunLocalRanks(ranks,
                          [micro = micro](const dist::Membership& membership) {
                            return LossAndGradientAreOfTheWholeBatch(membership, micro);
                          }),
            0);
}

INSTANTIATE_TEST_SUITE_P(RanksAndMicroBatches, StepOverRanks,
                         testing::Combine(testing::Values(1, 2), testing::Values(1, 2, 4)));

TEST(Step, WhatIsNotFiniteOnOneRankIsRefusedByAll) {
  const auto body = [](const dist::Membership& membership) {
    Trained trained(membership, 1, 0);
    torch::Tensor x = Samples();
    if (membership.rank == 1) x[0][0] = std::numeric_limits<float>::infinity();
    const auto computed = trained.step.Backward({}, [&] { return models::Tensors{{"x", x}}; });
    return trained.step.Judge(computed, {}).finite ? 1 : 0;
  };
  EXPECT_EQ(RunLocalRanks(2, body), 0);
}

TEST(Step, TakesTheRateOfItsStep) {
  Trained trained({}, 1, 0);
  const auto next = [] { return models::Tensors{{"x", Samples()}}; };
  const torch::Tensor before = trained.objective.weight.detach().clone();

  trained.step.Backward({}, next);
  trained.step.Update({0, 10, &trained.ranks});  // a warm-up begins at rate 0
  EXPECT_TRUE(trained.objective.weight.equal(before));

  trained.step.Backward({}, next);
  trained.step.Update({1, 10, &trained.ranks});  // Adam's first steps have the size of the rate
  const double moved = (trained.objective.weight - before).abs().max().item<double>();
  EXPECT_NEAR(moved, 0.05, 0.01);
  EXPECT_EQ(trained.objective.last_step, 1);
}

TEST(Step, ClipsTheGradientThatItReportsUnclipped) {
  Trained trained({}, 1, 0.01);
  const auto computed = trained.step.Backward({}, [] { return models::Tensors{{"x", Samples()}}; });
  const Verdict verdict = trained.step.Judge(computed, {});
  EXPECT_GT(verdict.grad_norm, 0.1);
  trained.step.Update({5, 10, &trained.ranks});
  // The optimizer scales what it reads: its first moment is (1 - beta1) of the clipped gradient.
  double squares = 0;
  for (const auto& [name, tensor] : trained.optimizer->State()) {
    if (name.starts_with("exp_avg.")) squares += tensor.square().sum().item<double>();
  }
  EXPECT_NEAR(std::sqrt(squares), 0.1 * 0.01, 1e-5);
}

}  // namespace
}  // namespace ocellus::trainer
