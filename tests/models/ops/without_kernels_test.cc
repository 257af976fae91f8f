// Every operator that has a kernel gives the same numbers by ATen's operators alone, forward and
// backward.
#include <gtest/gtest.h>

#include "models/ops/attention.h"
#include "models/ops/batch_norm.h"
#include "models/ops/contrastive_loss.h"
#include "models/ops/gelu.h"
#include "models/ops/key_contrast.h"
#include "models/ops/launch.h"
#include "models/ops/layer_norm.h"
#include "models/ops/masked_pixel_loss.h"
#include "models/ops/normalise_rows.h"
#include "tests/models/ops/agreement.h"

namespace ocellus::models::ops {
namespace {

// Outputs, and gradients of their weighted sum.
Tensors Evaluate(const Formula& formula, const Tensors& inputs, bool kernels) {
  SetUseKernels(kernels);
  Tensors leaves;
  for (const torch::Tensor& input : inputs) leaves.push_back(input.clone().requires_grad_());
  Tensors results = formula(leaves);
  torch::Tensor total = torch::zeros({});
  uint64_t seed = 90;
  for (const torch::Tensor& output : results) {
    total = total + (output * Normal(output.sizes(), seed++)).sum();
  }
  for (const torch::Tensor& gradient : torch::autograd::grad({total}, leaves)) {
    results.push_back(gradient);
  }
  SetUseKernels(true);
  return results;
}

void ExpectSame(const Formula& formula, const Tensors& inputs) {
  const Tensors with = Evaluate(formula, inputs, true), without = Evaluate(formula, inputs, false);
  for (size_t i = 0; i < with.size(); ++i) {
    EXPECT_TRUE(torch::allclose(with[i], without[i], 1e-4, 1e-5)) << "number " << i;
  }
}

TEST(WithoutKernels, TransformerIsTheSame) {
  ExpectSame([](const Tensors& in) -> Tensors { return {Attention(in[0], 2, 0.3)}; },
             {Normal({2, 5, 24}, 1)});
  ExpectSame(
      [](const Tensors& in) -> Tensors {
        const auto [sum, normed] = AddLayerNorm(in[0], in[1], in[2], in[3], 1e-6, torch::kFloat32);
        return {sum, normed};
      },
      {Normal({3, 7}, 2), Normal({3, 7}, 3), Normal({7}, 4), Normal({7}, 5)});
  ExpectSame(
      [](const Tensors& in) -> Tensors {
        return {LinearGelu(in[0], in[1], in[2], torch::kFloat32)};
      },
      {Normal({3, 7}, 6), Normal({5, 7}, 7), Normal({5}, 8)});
  const torch::Tensor mask = torch::tensor({1.0f, 0.0f, 1.0f, 1.0f}).view({1, 4});
  const torch::Tensor images = Normal({1, 3, 4, 4}, 9);
  for (const bool normalise : {true, false}) {
    ExpectSame(
        [&](const Tensors& in) -> Tensors {
          return {MaskedPixelLoss(in[0], images, mask, 2, normalise)};
        },
        {Normal({1, 4, 12}, 10)});
  }
}

TEST(WithoutKernels, HeadsAreTheSame) {
  SingleRank alone;
  ExpectSame([](const Tensors& in) -> Tensors { return {NormaliseRows(in[0])}; },
             {Normal({3, 7}, 11)});
  ExpectSame(
      [&](const Tensors& in) -> Tensors {
        const RunningStatistics running{torch::zeros({5}), torch::ones({5}),
                                        torch::zeros({}, torch::kInt64)};
        const torch::Tensor y = BatchNormTraining(in[0], in[1], in[2], running, 0.1, 1e-5, alone);
        return {y, running.mean, running.variance};
      },
      {Normal({40, 5}, 12), Normal({5}, 13), Normal({5}, 14)});
}

TEST(WithoutKernels, ContrastsAreTheSame) {
  SingleRank alone;
  // Several tiles.
  const Tensors pairs = {Normal({1100, 8}, 15), Normal({1100, 8}, 16)};
  const torch::Tensor scale = torch::tensor(0.7f), bias = torch::tensor(-0.4f);
  ExpectSame(
      [&](const Tensors& in) -> Tensors { return {InfoNceLoss(in[0], in[1], in[2], alone)}; },
      {pairs[0], pairs[1], scale});
  ExpectSame(
      [&](const Tensors& in) -> Tensors { return {SigLipLoss(in[0], in[1], in[2], in[3], alone)}; },
      {pairs[0], pairs[1], scale, bias});
  ExpectSame(
      [&](const Tensors& in) -> Tensors { return {KeyContrast(in[0], pairs[1], 0.3, alone)}; },
      {pairs[0]});
}

}  // namespace
}  // namespace ocellus::models::ops
