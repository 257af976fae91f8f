#include "models/ops/linear.h"

#include <gtest/gtest.h>

#include "tests/models/ops/agreement.h"

namespace ocellus::models::ops {
namespace {

Tensors Formula64(const Tensors& in) {
  return {at::linear(in[0], in[1], in.size() > 2 ? in[2] : torch::Tensor())};
}

Formula Fused(torch::ScalarType compute) {
  return [compute](const Tensors& in) -> Tensors {
    return {Linear(in[0], in[1], in.size() > 2 ? in[2] : torch::Tensor(), compute)};
  };
}

TEST(LinearTest, AgreesInFp32) {
  for (const auto& [rows, in, out] :
       {std::tuple{1, 1, 1}, {5, 3, 7}, {70, 33, 47}, {131, 192, 65}}) {
    ExpectAgreement(Fused(torch::kFloat32), Formula64,
                    {Normal({rows, in}, 1), Normal({out, in}, 2), Normal({out}, 3)}, kFp32);
  }
}

TEST(LinearTest, AgreesInBf16WithFp32Gradients) {
  ExpectAgreement(Fused(torch::kBFloat16), Formula64,
                  {Normal({2, 37, 33}, 1), Normal({47, 33}, 2), Normal({47}, 3)}, kBf16);
  ExpectAgreement(Fused(torch::kBFloat16), Formula64,
                  {Normal({70, 64}, 1).to(torch::kBFloat16), Normal({47, 64}, 2), Normal({47}, 3)},
                  kBf16);
}

// Shapes that kernels take, where there are any for this processor.
TEST(LinearTest, AgreesInBf16WhereKernelsFit) {
  for (const auto& [rows, in, out] :
       {std::tuple{1, 32, 16}, {13, 96, 208}, {70, 384, 64}, {301, 160, 144}, {5, 48, 32}}) {
    ExpectAgreement(Fused(torch::kBFloat16), Formula64,
                    {Normal({rows, in}, 1), Normal({out, in}, 2), Normal({out}, 3)}, kBf16);
  }
  ExpectAgreement(Fused(torch::kBFloat16), Formula64, {Normal({6, 32}, 1), Normal({48, 32}, 2)},
                  kBf16);
}

TEST(LinearTest, TakesNoRows) {
  const torch::Tensor x = torch::zeros({0, 32}), weight = Normal({16, 32}, 2).requires_grad_();
  const torch::Tensor y = Linear(x, weight, Normal({16}, 3), torch::kBFloat16);
  EXPECT_EQ(y.sizes(), (std::vector<int64_t>{0, 16}));
  y.sum().backward();
  EXPECT_TRUE(torch::equal(weight.grad(), torch::zeros({16, 32})));
}

TEST(LinearTest, TakesAnyLeadingShapeAndStrides) {
  ExpectAgreement(Fused(torch::kFloat32), Formula64,
                  {Normal({3, 4, 5, 9}, 1).transpose(0, 2), Normal({9, 6}, 2).t(), Normal({6}, 3)},
                  kFp32);
}

TEST(LinearTest, NeedsNoBias) {
  ExpectAgreement(Fused(torch::kFloat32), Formula64, {Normal({8, 9}, 1), Normal({6, 9}, 2)}, kFp32);
}

TEST(LinearTest, GivesTheComputeType) {
  const torch::Tensor y =
      Linear(Normal({2, 3}, 1), Normal({4, 3}, 2), torch::Tensor(), torch::kBFloat16);
  EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
}

TEST(LinearTest, SeesWeightsThatTheOptimizerChanged) {
  torch::Tensor weight = Normal({4, 3}, 2);
  const torch::Tensor x = Normal({2, 3}, 1);
  const torch::Tensor before = Linear(x, weight, {}, torch::kBFloat16);
  weight.mul_(2);
  EXPECT_TRUE(torch::equal(Linear(x, weight, {}, torch::kBFloat16), before * 2));
}

TEST(LinearTest, GivesTheSameBitsForAnyThreads) {
  ExpectSameBitsForAnyThreads(
      [](const Tensors& in) -> Tensors {
        return {Linear(torch::zeros({300, 1}), torch::ones({40, 1}), in[0], torch::kFloat32)};
      },
      {Normal({40}, 3)});
  ExpectSameBitsForAnyThreads(
      [](const Tensors& in) -> Tensors { return {Linear(in[0], in[1], in[2], torch::kBFloat16)}; },
      {Normal({301, 160}, 1), Normal({144, 160}, 2), Normal({144}, 3)});
}

}  // namespace
}  // namespace ocellus::models::ops
