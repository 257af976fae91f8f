// How close training in bf16 stays to fp32.
#include <gtest/gtest.h>

#include "models/optim/adamw.h"
#include "tests/models/objectives/mae_cases.h"

namespace ocellus::models::objectives {
namespace {

// Adding one number to all keys of a query changes no softmax: the bias of the keys, the second
// third, has no gradient but rounding errors.
torch::Tensor WithoutKeyBias(const std::string& name, const torch::Tensor& gradient) {
  if (!name.ends_with("qkv.bias")) return gradient;
  const std::vector<torch::Tensor> thirds = gradient.chunk(3);
  return torch::cat({thirds[0], thirds[2]});
}

TEST(MaePrecision, GradientsPointTheSameWay) {
  const auto exact = Initialised(SmallDocument("fp32")), half = Initialised(SmallDocument("bf16"));
  const Tensors inputs = Inputs(SmallDocument(), 8);
  exact->forward(inputs, {}).loss.backward();
  half->forward(inputs, {}).loss.backward();
  const auto halves = half->module().named_parameters();
  for (const auto& item : exact->module().named_parameters()) {
    if (!item.value().requires_grad()) continue;
    const torch::Tensor a = WithoutKeyBias(item.key(), item.value().grad().flatten());
    const torch::Tensor b = WithoutKeyBias(item.key(), halves[item.key()].grad().flatten());
    ASSERT_EQ(b.scalar_type(), torch::kFloat32) << item.key();
    EXPECT_GT(torch::cosine_similarity(a, b, 0).item<float>(), 0.999f) << item.key();
  }
}

std::vector<float> Losses(const std::string& precision) {
  const nlohmann::json document = SmallDocument(precision);
  const auto objective = Initialised(document);
  const auto optimizer = optim::MakeAdamW(optim::TrainableParameters(objective->module()),
                                          {.beta2 = 0.95, .weight_decay = 0.05});
  const Tensors inputs = Inputs(document, 8);
  std::vector<float> losses;
  for (int i = 0; i < 20; ++i) {
    const torch::Tensor loss = objective->forward(inputs, {}).loss;
    objective->module().zero_grad();
    loss.backward();
    optimizer->Step(1e-3);
    losses.push_back(loss.item<float>());
  }
  return losses;
}

TEST(MaePrecision, TwentyStepsGiveTheSameLosses) {
  const std::vector<float> exact = Losses("fp32"), half = Losses("bf16");
  EXPECT_LT(exact.back(), 0.9f * exact.front());
  for (size_t i = 0; i < exact.size(); ++i) EXPECT_NEAR(half[i] / exact[i], 1.0, 0.01) << i;
}

}  // namespace
}  // namespace ocellus::models::objectives
