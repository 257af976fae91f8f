#include "models/optim/clip.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "models/ops/launch.h"

namespace ocellus::models::optim {
namespace {

std::vector<NamedParameter> WithGradients(float first, float second) {
  std::vector<NamedParameter> parameters{{"a", torch::zeros({1}).requires_grad_()},
                                         {"b", torch::zeros({1, 1}).requires_grad_()},
                                         {"unused", torch::zeros({2}).requires_grad_()}};
  parameters[0].tensor.mutable_grad() = torch::full({1}, first);
  parameters[1].tensor.mutable_grad() = torch::full({1, 1}, second);
  return parameters;
}

TEST(Clip, NormIsOverAllTensors) {
  EXPECT_FLOAT_EQ(GradientNorm(WithGradients(3, 4)).item<float>(), 5.0f);
}

TEST(Clip, FactorScalesDownToTheLimit) {
  const torch::Tensor norm = GradientNorm(WithGradients(3, 4));
  EXPECT_NEAR(ClipFactor(norm, 1.0).item<float>(), 0.2, 1e-6);
  EXPECT_EQ(ClipFactor(norm, 100.0).item<float>(), 1.0f);
}

TEST(Clip, NormIsAtensWithoutKernels) {
  const float with = GradientNorm(WithGradients(3, 7)).item<float>();
  ops::SetUseKernels(false);
  EXPECT_FLOAT_EQ(GradientNorm(WithGradients(3, 7)).item<float>(), with);
  ops::SetUseKernels(true);
}

TEST(Clip, NormShowsNonFiniteGradients) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isnan(GradientNorm(WithGradients(1, nan)).item<float>()));
  EXPECT_TRUE(std::isinf(GradientNorm(WithGradients(infinity, 1)).item<float>()));
}

}  // namespace
}  // namespace ocellus::models::optim
