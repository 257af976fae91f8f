#include "models/ops/layer_norm.h"

#include <gtest/gtest.h>

#include "tests/models/ops/agreement.h"

namespace ocellus::models::ops {
namespace {

constexpr double kLayerEps = 1e-6;

// Inputs: residual, weight, bias and, if there is one, branch.
Tensors Formula64(const Tensors& in) {
  const torch::Tensor sum = in.size() > 3 ? in[0] + in[3] : in[0] * 1.0;
  return {sum, at::layer_norm(sum, {sum.size(-1)}, in[1], in[2], kLayerEps)};
}

Formula Fused(torch::ScalarType out) {
  return [out](const Tensors& in) -> Tensors {
    const auto [sum, normed] =
        AddLayerNorm(in[0], in.size() > 3 ? in[3] : torch::Tensor(), in[1], in[2], kLayerEps, out);
    EXPECT_EQ(sum.scalar_type(), torch::kFloat32);
    EXPECT_EQ(normed.scalar_type(), out);
    return {sum, normed};
  };
}

// Only output `index` of `formula`.
Formula Only(const Formula& formula, size_t index) {
  return [=](const Tensors& in) -> Tensors { return {formula(in)[index]}; };
}

Tensors Inputs(int64_t rows, int64_t width) {
  return {Normal({rows, width}, 1), Normal({width}, 2), Normal({width}, 3),
          Normal({rows, width}, 4)};
}

TEST(AddLayerNormTest, AgreesInFp32) {
  for (const auto& [rows, width] :
       {std::pair{1, 2}, {3, 3}, {37, 17}, {5, 192}, {33, 385}, {700, 64}}) {
    ExpectAgreement(Fused(torch::kFloat32), Formula64, Inputs(rows, width), 2 * kFp32);
  }
}

TEST(AddLayerNormTest, AgreesWithoutBranch) {
  Tensors inputs = Inputs(37, 50);
  inputs.pop_back();
  ExpectAgreement(Fused(torch::kFloat32), Formula64, inputs, 2 * kFp32);
  ExpectAgreement(Fused(torch::kBFloat16), Formula64, inputs, kBf16);
}

TEST(AddLayerNormTest, AgreesInBf16) {
  Tensors inputs = Inputs(70, 66);
  inputs[3] = inputs[3].to(torch::kBFloat16);
  ExpectAgreement(Fused(torch::kBFloat16), Formula64, inputs, kBf16);
  ExpectAgreement(Fused(torch::kFloat32), Formula64, inputs, kBf16);
}

TEST(AddLayerNormTest, EitherOutputMayBeUnused) {
  Tensors inputs = Inputs(9, 20);
  for (const size_t used : {0, 1}) {
    ExpectAgreement(Only(Fused(torch::kFloat32), used), Only(Formula64, used), inputs, 2 * kFp32);
  }
  inputs[3] = inputs[3].to(torch::kBFloat16);
  ExpectAgreement(Only(Fused(torch::kBFloat16), 0), Only(Formula64, 0), inputs, kBf16);
}

TEST(AddLayerNormTest, TakesStrides) {
  Tensors inputs = Inputs(1, 24);
  inputs[0] = Normal({24, 5, 3}, 5).transpose(0, 2);
  inputs[3] = Normal({5, 3, 24}, 6).transpose(0, 1);
  ExpectAgreement(Fused(torch::kFloat32), Formula64, inputs, 2 * kFp32);
}

TEST(AddLayerNormTest, HoldsForRowsFarFromZero) {
  Tensors inputs = Inputs(4, 100);
  inputs[0] = inputs[0] * 0.25 + 1024.0;
  inputs[3] = torch::zeros_like(inputs[3]);
  ExpectAgreement(Only(Fused(torch::kFloat32), 1), Only(Formula64, 1), inputs, 1e-3);
}

TEST(AddLayerNormTest, GivesTheSameBitsForAnyThreads) {
  ExpectSameBitsForAnyThreads(Fused(torch::kFloat32), Inputs(700, 33));
}

}  // namespace
}  // namespace ocellus::models::ops
