#include "models/ops/gelu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/models/ops/agreement.h"

namespace ocellus::models::ops {
namespace {

Tensors Formula64(const Tensors& in) { return {at::gelu(at::linear(in[0], in[1], in[2]))}; }

Formula Fused(torch::ScalarType compute) {
  return [compute](const Tensors& in) -> Tensors {
    return {LinearGelu(in[0], in[1], in[2], compute)};
  };
}

// gelu alone: a product with the identity.
torch::Tensor Gelu(const torch::Tensor& z) {
  return LinearGelu(z, torch::ones({1, 1}), torch::zeros({1}), torch::kFloat32);
}

TEST(LinearGeluTest, AgreesInFp32) {
  for (const auto& [rows, in, out] :
       {std::tuple{1, 1, 1}, {5, 3, 7}, {70, 33, 47}, {600, 16, 193}}) {
    ExpectAgreement(Fused(torch::kFloat32), Formula64,
                    {Normal({rows, in}, 1), Normal({out, in}, 2), Normal({out}, 3)}, kFp32);
  }
}

TEST(LinearGeluTest, AgreesInBf16) {
  ExpectAgreement(Fused(torch::kBFloat16), Formula64,
                  {Normal({2, 37, 33}, 1), Normal({47, 33}, 2), Normal({47}, 3)}, kBf16);
}

TEST(LinearGeluTest, IsExactNearZeroAndInTheTails) {
  const torch::Tensor z = torch::linspace(-9, 9, 4001).view({-1, 1});
  const torch::Tensor wide = z.to(torch::kFloat64);
  const torch::Tensor exact = wide * torch::erfc(wide * -std::sqrt(0.5)) / 2;
  const torch::Tensor error = (Gelu(z) - exact).abs() / (exact.abs() + 1e-30);
  EXPECT_LE(error.max().item<double>(), 6e-6);  // e^(-x^2/2) in fp32 at |x| = 9
  const torch::Tensor near = error.masked_select(wide.abs() < 3);
  EXPECT_LE(near.max().item<double>(), 1.2e-6);
}

TEST(LinearGeluTest, KeepsNanAndTakesInfinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  const torch::Tensor y =
      Gelu(torch::tensor({std::nanf(""), infinity, 100.0f, -100.0f, 0.0f}).view({-1, 1})).flatten();
  EXPECT_TRUE(std::isnan(y[0].item<float>()));
  EXPECT_EQ(y[1].item<float>(), infinity);
  EXPECT_EQ(y[2].item<float>(), 100.0f);
  EXPECT_NEAR(y[3].item<float>(), 0.0f, 1e-30);
  EXPECT_EQ(y[4].item<float>(), 0.0f);
}

TEST(LinearGeluTest, GivesTheSameBitsForAnyThreads) {
  ExpectSameBitsForAnyThreads(
      [](const Tensors& in) -> Tensors {
        return {LinearGelu(torch::ones({300, 1}), torch::ones({37, 1}), in[0], torch::kFloat32)};
      },
      {Normal({37}, 3)});
}

}  // namespace
}  // namespace ocellus::models::ops
