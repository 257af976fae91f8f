// How close training in bf16 stays to fp32.
#include <gtest/gtest.h>

#include "models/optim/adamw.h"
#include "tests/models/objectives/mae_cases.h"

namespace ocellus::models::objectives {
namespace {

TEST(MaePrecision, GradientsPointTheSameWay) {
  const auto exact = Initialised(SmallDocument("fp32")), half = Initialised(SmallDocument("bf16"));
  const Tensors inputs = Inputs(SmallDocument(), 8);
  exact->forward(inputs, {}).loss.backward();
  half->forward(inputs, {}).loss.backward();
  const auto halves = half->module().named_parameters();
  for (const auto& item : exact->module().named_parameters()) {
    if (!item.value().requires_grad()) continue;
    const torch::Tensor a = item.value().grad().flatten();
    const torch::Tensor b = halves[item.key()].grad().flatten();
    ASSERT_EQ(b.scalar_type(), torch::kFloat32) << item.key();
    // Adding one number to all keys changes no softmax: their bias has no gradient to compare.
    if (item.key().ends_with("qkv.bias")) continue;
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
