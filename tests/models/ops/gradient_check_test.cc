// Every differentiable operator: its gradient is that of the formula in fp64, and the formula's
// gradient is what differences of the formula say.
#include <gtest/gtest.h>

#include <cmath>

#include "models/ops/attention.h"
#include "models/ops/batch_norm.h"
#include "models/ops/chunked.h"
#include "models/ops/contrastive_loss.h"
#include "models/ops/depthwise.h"
#include "models/ops/gather.h"
#include "models/ops/gelu.h"
#include "models/ops/key_contrast.h"
#include "models/ops/layer_norm.h"
#include "models/ops/linear.h"
#include "models/ops/masked_pixel_loss.h"
#include "models/ops/normalise_rows.h"
#include "models/ops/patch_pixels.h"
#include "models/ops/quick_gelu.h"
#include "models/ops/recompute.h"
#include "models/ops/relic_loss.h"
#include "models/ops/response_norm.h"
#include "tests/models/ops/agreement.h"

namespace ocellus::models::ops {
namespace {

double Weighted(const Formula& formula, const Tensors& inputs) {
  double sum = 0;
  uint64_t seed = 1000;
  for (const torch::Tensor& output : formula(inputs)) {
    sum += (output * Normal(output.sizes(), seed++).to(torch::kFloat64)).sum().item<double>();
  }
  return sum;
}

// d Weighted / d input, by central differences: their error is of the order of the step squared.
torch::Tensor Differences(const Formula& formula, const Tensors& inputs, size_t which) {
  constexpr double kStep = 1e-5;
  const torch::NoGradGuard no_grad;
  torch::Tensor gradient = torch::empty({inputs[which].numel()}, torch::kFloat64);
  for (int64_t i = 0; i < gradient.numel(); ++i) {
    Tensors below = inputs, above = inputs;
    below[which] = inputs[which].clone();
    above[which] = inputs[which].clone();
    below[which].view({-1})[i] -= kStep;
    above[which].view({-1})[i] += kStep;
    gradient[i] = (Weighted(formula, above) - Weighted(formula, below)) / (2 * kStep);
  }
  return gradient.view(inputs[which].sizes());
}

void ExpectFormulaIsItsOwnGradient(const Formula& formula, const Tensors& inputs) {
  Tensors leaves;
  for (const torch::Tensor& input : inputs) {
    leaves.push_back(input.to(torch::kFloat64).clone().requires_grad_());
  }
  torch::Tensor total = torch::zeros({}, torch::kFloat64);
  uint64_t seed = 1000;
  for (const torch::Tensor& output : formula(leaves)) {
    total = total + (output * Normal(output.sizes(), seed++).to(torch::kFloat64)).sum();
  }
  const Tensors gradients = torch::autograd::grad({total}, leaves);
  Tensors values;
  for (const torch::Tensor& leaf : leaves) values.push_back(leaf.detach());
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_TRUE(torch::allclose(gradients[i], Differences(formula, values, i), 1e-5, 1e-7))
        << "input " << i;
  }
}

void Check(const Formula& fused, const Formula& formula, const Tensors& inputs) {
  ExpectAgreement(fused, formula, inputs, 1e-5);
  ExpectFormulaIsItsOwnGradient(formula, inputs);
}

torch::Tensor Directions(const torch::Tensor& x) { return x / x.norm(2, {1}, /*keepdim=*/true); }

torch::Tensor LogitsLoss(const torch::Tensor& logits) {
  return -logits.log_softmax(1).diagonal().mean();
}

TEST(GradientCheck, Products) {
  Check([](const Tensors& in) -> Tensors { return {Linear(in[0], in[1], in[2], torch::kFloat32)}; },
        [](const Tensors& in) -> Tensors { return {at::linear(in[0], in[1], in[2])}; },
        {Normal({3, 5}, 1), Normal({4, 5}, 2), Normal({4}, 3)});
  Check(
      [](const Tensors& in) -> Tensors {
        return {LinearGelu(in[0], in[1], in[2], torch::kFloat32)};
      },
      [](const Tensors& in) -> Tensors { return {at::gelu(at::linear(in[0], in[1], in[2]))}; },
      {Normal({3, 5}, 4), Normal({4, 5}, 5), Normal({4}, 6)});
  Check([](const Tensors& in) -> Tensors { return {QuickGelu(in[0])}; },
        [](const Tensors& in) -> Tensors { return {in[0] * (1.702 * in[0]).sigmoid()}; },
        {Normal({19}, 7)});
}

TEST(GradientCheck, Attention) {
  Check([](const Tensors& in) -> Tensors { return {Attention(in[0], 2, 0.4)}; },
        [](const Tensors& in) -> Tensors {
          const auto qkv = in[0].view({2, 3, 3, 2, 4}).permute({2, 0, 3, 1, 4});
          const auto weights = (qkv[0].matmul(qkv[1].transpose(2, 3)) * 0.4).softmax(3);
          return {weights.matmul(qkv[2]).transpose(1, 2).reshape({2, 3, 8})};
        },
        {Normal({2, 3, 24}, 8)});
}

TEST(GradientCheck, Normalisations) {
  SingleRank alone;
  Check(
      [](const Tensors& in) -> Tensors {
        const auto [sum, h] = AddLayerNorm(in[0], in[1], in[2], in[3], 1e-6, torch::kFloat32);
        return {sum, h};
      },
      [](const Tensors& in) -> Tensors {
        const torch::Tensor sum = in[0] + in[1];
        return {sum, at::layer_norm(sum, {5}, in[2], in[3], 1e-6)};
      },
      {Normal({3, 5}, 9), Normal({3, 5}, 10), Normal({5}, 11), Normal({5}, 12)});
  Check(
      [&](const Tensors& in) -> Tensors {
        const RunningStatistics running{torch::zeros({3}), torch::ones({3}),
                                        torch::zeros({}, torch::kInt64)};
        return {BatchNormTraining(in[0], in[1], in[2], running, 0.1, 1e-5, alone)};
      },
      [](const Tensors& in) -> Tensors {
        return {at::batch_norm(in[0], in[1], in[2], {}, {}, true, 0.0, 1e-5, false)};
      },
      {Normal({7, 3}, 13), Normal({3}, 14), Normal({3}, 15)});
  Check([](const Tensors& in) -> Tensors { return {NormaliseRows(in[0])}; },
        [](const Tensors& in) -> Tensors { return {Directions(in[0])}; }, {Normal({3, 5}, 16)});
}

TEST(GradientCheck, ConvNext) {
  Check([](const Tensors& in) -> Tensors { return {ResponseNorm(in[0], in[1], in[2])}; },
        [](const Tensors& in) -> Tensors {
          const torch::Tensor length = in[0].norm(2, {1, 2}, /*keepdim=*/true);
          const torch::Tensor response = length / (length.mean(3, /*keepdim=*/true) + 1e-6);
          return {in[1] * (in[0] * response) + in[2] + in[0]};
        },
        {Normal({2, 2, 3, 4}, 25), Normal({4}, 26), Normal({4}, 27)});
  Check([](const Tensors& in) -> Tensors { return {Depthwise7(in[0], in[1], in[2])}; },
        [](const Tensors& in) -> Tensors {
          return {at::conv2d(in[0].permute({0, 3, 1, 2}), in[1], in[2], 1, 3, 1, 2)
                      .permute({0, 2, 3, 1})};
        },
        {Normal({1, 3, 4, 2}, 28), Normal({2, 1, 7, 7}, 29), Normal({2}, 30)});
}

// What computes again in backward, over a layer of two parameters.
TEST(GradientCheck, WhatIsComputedAgain) {
  const torch::Tensor rows = Normal({5, 3}, 31);
  const auto layer = [](const torch::Tensor& x, const Tensors& in) {
    return torch::tanh(x.matmul(in[0].t()) + in[1]);
  };
  const Formula formula = [&](const Tensors& in) -> Tensors {
    return {layer(rows.to(torch::kFloat64), in)};
  };
  const Tensors parameters = {Normal({4, 3}, 32), Normal({4}, 33)};
  for (const int64_t chunk : {1, 2, 5}) {
    Check(
        [&](const Tensors& in) -> Tensors {
          return {Chunked([&](const torch::Tensor& x) { return layer(x, in); }, rows, in, chunk)};
        },
        formula, parameters);
  }
  Check(
      [&](const Tensors& in) -> Tensors {
        const Region region = [&](const Tensors& x) -> Tensors { return {layer(x[0], in)}; };
        return Recomputed(region, {rows}, in);
      },
      formula, parameters);
}

TEST(GradientCheck, Patches) {
  const torch::Tensor chosen = torch::tensor({{3, 0}, {1, 3}});
  Check([&](const Tensors& in) -> Tensors { return {PatchPixels(in[0], 2, chosen)}; },
        [&](const Tensors& in) -> Tensors {
          const torch::Tensor patches =
              in[0].reshape({2, 1, 2, 2, 2, 2}).permute({0, 2, 4, 1, 3, 5}).reshape({2, 4, 4});
          return {patches.gather(1, chosen.unsqueeze(2).expand({2, 2, 4}))};
        },
        {Normal({2, 1, 4, 4}, 34)});
}

TEST(GradientCheck, PixelLoss) {
  const torch::Tensor mask = torch::tensor({1.0f, 0.0f, 1.0f, 1.0f}).view({1, 4});
  const torch::Tensor images = Normal({1, 3, 4, 4}, 17);
  Check(
      [&](const Tensors& in) -> Tensors { return {MaskedPixelLoss(in[0], images, mask, 2, true)}; },
      [&](const Tensors& in) -> Tensors {
        torch::Tensor target = images.to(torch::kFloat64)
                                   .view({1, 3, 2, 2, 2, 2})
                                   .permute({0, 2, 4, 3, 5, 1})
                                   .reshape({1, 4, 12});
        target = (target - target.mean(-1, true)) /
                 (target.var(-1, /*unbiased=*/true, /*keepdim=*/true) + 1e-6).sqrt();
        return {((in[0] - target).square().mean(-1) * mask).sum() / mask.sum()};
      },
      {Normal({1, 4, 12}, 18)});
}

TEST(GradientCheck, Contrasts) {
  SingleRank alone;
  const torch::Tensor scale = torch::tensor(1.3f), bias = torch::tensor(-0.4f);
  const Tensors pairs = {Normal({6, 4}, 19), Normal({6, 4}, 20), scale};
  Check([&](const Tensors& in) -> Tensors { return {InfoNceLoss(in[0], in[1], in[2], alone)}; },
        [](const Tensors& in) -> Tensors {
          const torch::Tensor logits = in[2] * in[0].matmul(in[1].t());
          return {(LogitsLoss(logits) + LogitsLoss(logits.t())) / 2};
        },
        pairs);
  Check(
      [&](const Tensors& in) -> Tensors { return {SigLipLoss(in[0], in[1], in[2], in[3], alone)}; },
      [](const Tensors& in) -> Tensors {
        const torch::Tensor logits = in[2] * in[0].matmul(in[1].t()) + in[3];
        return {-torch::log_sigmoid(logits * (2 * torch::eye(6, torch::kFloat64) - 1)).sum() / 6};
      },
      {pairs[0], pairs[1], scale, bias});
  Check([&](const Tensors& in) -> Tensors { return {KeyContrast(in[0], pairs[1], 0.3, alone)}; },
        [&](const Tensors& in) -> Tensors {
          const torch::Tensor keys = Directions(pairs[1].to(torch::kFloat64));
          return {LogitsLoss(Directions(in[0]).matmul(keys.t()) / 0.3)};
        },
        {pairs[0]});
  Check([&](const Tensors& in) -> Tensors { return {AllGather(in[0], alone)}; },
        [](const Tensors& in) -> Tensors { return {in[0] * 1}; }, {pairs[0]});
}

// With nothing held constant: differences know no constants.
TEST(GradientCheck, RelicTerms) {
  const torch::Tensor chosen = torch::tensor({{1, 3, 0, 4}, {2, 0, 5, 1}, {3, 1, 2, 0}});
  const torch::Tensor target = Normal({3, 4}, 21), all_target = Normal({6, 4}, 22);
  Check(
      [&](const Tensors& in) -> Tensors {
        const RelicTerms terms =
            RelicPairTerms({in[0], target, in[1], all_target}, {torch::arange(1, 4), chosen}, 0.8,
                           RelicDivergence::kFull);
        return {terms.log_likelihood, terms.kl};
      },
      [&](const Tensors& in) -> Tensors {
        const auto log_softmax = [&](const torch::Tensor& own, const torch::Tensor& others) {
          return (own.to(torch::kFloat64).matmul(others.to(torch::kFloat64).t()) / 0.8)
              .gather(1, chosen)
              .log_softmax(1);
        };
        const torch::Tensor log_p = log_softmax(in[0], all_target);
        const torch::Tensor log_q = log_softmax(target, in[1]);
        return {log_p.select(1, 0).mean(), (log_p.exp() * (log_p - log_q)).sum(1).mean()};
      },
      {Normal({3, 4}, 23), Normal({6, 4}, 24)});
}

}  // namespace
}  // namespace ocellus::models::ops
