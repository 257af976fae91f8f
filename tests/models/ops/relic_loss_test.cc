#include "models/ops/relic_loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "models/ops/launch.h"
#include "tests/models/ops/agreement.h"

namespace ocellus::models::ops {
namespace {

torch::Tensor UnitRows(int64_t rows, int64_t width, double phase) {
  const torch::Tensor k = torch::arange(rows * width, torch::kFloat64);
  const torch::Tensor x = torch::sin(0.7 * k + phase).to(torch::kFloat32).view({rows, width});
  return x / x.norm(2, 1, true);
}

// One image and its candidates at a time.
std::pair<double, double> ByHand(const torch::Tensor& online, const torch::Tensor& target,
                                 const torch::Tensor& chosen, double temperature) {
  double likelihood = 0, kl = 0;
  const auto o = online.to(torch::kFloat64), t = target.to(torch::kFloat64);
  for (int64_t n = 0; n < chosen.size(0); ++n) {
    const auto others = chosen[n];
    const auto p = (t.index_select(0, others).matmul(o[n]) / temperature).log_softmax(0);
    const auto q = (o.index_select(0, others).matmul(t[n]) / temperature).log_softmax(0);
    likelihood += p[0].item<double>();
    kl += (p.exp() * (p - q)).sum().item<double>();
  }
  return {likelihood / chosen.size(0), kl / chosen.size(0)};
}

TEST(RelicLoss, IsTheEquationsOverChosenCandidates) {
  const torch::Tensor online = UnitRows(5, 6, 0), target = UnitRows(5, 6, 0.9);
  const torch::Tensor chosen =
      torch::tensor({{0, 3, 1}, {1, 0, 4}, {2, 4, 3}, {3, 2, 0}, {4, 1, 2}});
  const RelicTerms terms =
      RelicPairTerms({online, target, online, target}, {torch::arange(5), chosen}, 0.2);
  const auto [likelihood, kl] = ByHand(online, target, chosen, 0.2);
  EXPECT_NEAR(terms.log_likelihood.item<double>(), likelihood, 1e-6);
  EXPECT_NEAR(terms.kl.item<double>(), kl, 1e-6);
  EXPECT_GT(kl, 0);
}

TEST(RelicLoss, AllCandidatesAreAllOthersChosen) {
  const torch::Tensor online = UnitRows(3, 4, 0.1), target = UnitRows(3, 4, 1.2);
  const torch::Tensor chosen = torch::tensor({{0, 1, 2}, {1, 0, 2}, {2, 0, 1}});
  const RelicSides sides{online, target, online, target};
  const RelicTerms all = RelicPairTerms(sides, {torch::arange(3), {}}, 0.3);
  const RelicTerms listed = RelicPairTerms(sides, {torch::arange(3), chosen}, 0.3);
  EXPECT_NEAR(all.log_likelihood.item<double>(), listed.log_likelihood.item<double>(), 1e-6);
  EXPECT_NEAR(all.kl.item<double>(), listed.kl.item<double>(), 1e-6);
}

TEST(RelicLoss, HoldsTheFirstSumConstantAlone) {
  // With both sums live the gradient would be that of the true divergence.
  torch::Tensor online = UnitRows(4, 5, 0).requires_grad_();
  const torch::Tensor target = UnitRows(4, 5, 0.4);
  const RelicTerms terms =
      RelicPairTerms({online, target, online, target}, {torch::arange(4), {}}, 0.5);
  terms.kl.backward();
  const torch::Tensor got = online.grad().clone();
  online.mutable_grad() = torch::Tensor();

  const torch::Tensor log_p = (online.matmul(target.t()) / 0.5).log_softmax(1);
  const torch::Tensor log_q = (target.matmul(online.t()) / 0.5).log_softmax(1);
  (-(log_p.exp() * log_q).sum(1).mean()).backward();
  EXPECT_TRUE(torch::allclose(got, online.grad(), 1e-5, 1e-7));
}

TEST(RelicLoss, RowsOfOneRankAreThePartOfTheWhole) {
  const torch::Tensor online = UnitRows(6, 4, 0.2), target = UnitRows(6, 4, 0.7);
  const RelicTerms whole =
      RelicPairTerms({online, target, online, target}, {torch::arange(6), {}}, 0.2);
  double likelihood = 0, kl = 0;
  for (const int64_t first : {0, 2, 4}) {
    const RelicTerms part =
        RelicPairTerms({online.narrow(0, first, 2), target.narrow(0, first, 2), online, target},
                       {torch::arange(first, first + 2), {}}, 0.2);
    likelihood += part.log_likelihood.item<double>() / 3;
    kl += part.kl.item<double>() / 3;
  }
  EXPECT_NEAR(likelihood, whole.log_likelihood.item<double>(), 1e-6);
  EXPECT_NEAR(kl, whole.kl.item<double>(), 1e-6);
}

constexpr RelicDivergence kDivergences[] = {RelicDivergence::kListing, RelicDivergence::kFull,
                                            RelicDivergence::kSoftLabel};

// [n, C]: an image itself, then others.
torch::Tensor Choose(int64_t rows, int64_t candidates, int64_t others) {
  const torch::Tensor own = torch::arange(rows, torch::kInt64).unsqueeze(1);
  const torch::Tensor steps = torch::arange(candidates, torch::kInt64).square();
  return (own + steps).remainder(others);
}

// In fp32 this is the kernel, in fp64 ATen's composition. Inputs: online, all_online.
Formula Terms(int64_t width, const torch::Tensor& chosen, RelicDivergence divergence) {
  return [=](const Tensors& in) -> Tensors {
    const auto type = in[0].scalar_type();
    const torch::Tensor target = Normal({in[0].size(0), 2 * width}, 7).narrow(1, 1, width);
    const torch::Tensor all_target = Normal({in[1].size(0), width}, 8);
    const RelicTerms terms =
        RelicPairTerms({in[0], target.to(type), in[1], all_target.to(type)},
                       {torch::arange(1, 1 + in[0].size(0)), chosen}, 0.9, divergence);
    return {terms.log_likelihood, terms.kl};
  };
}

TEST(RelicLoss, AgreesWithTheComposition) {
  for (const RelicDivergence divergence : kDivergences) {
    for (const int64_t width : {1, 17, 64}) {
      const Tensors inputs = {Normal({5, width}, 1) / 4, Normal({8, width}, 2) / 4};
      ExpectAgreement(Terms(width, Choose(5, 4, 8), divergence),
                      Terms(width, Choose(5, 4, 8), divergence), inputs, 1e-5);
      ExpectAgreement(Terms(width, {}, divergence), Terms(width, {}, divergence), inputs, 1e-5);
    }
    const Tensors strided = {Normal({6, 40}, 3).t().narrow(0, 3, 30),
                             Normal({40, 24}, 4).narrow(1, 5, 6)};
    ExpectAgreement(Terms(6, Choose(30, 11, 40), divergence),
                    Terms(6, Choose(30, 11, 40), divergence), strided, 1e-5);
  }
}

TEST(RelicLoss, SameBitsForAnyThreads) {
  const Tensors inputs = {Normal({200, 24}, 5) / 4, Normal({300, 24}, 6) / 4};
  ExpectSameBitsForAnyThreads(Terms(24, Choose(200, 11, 300), RelicDivergence::kListing), inputs);
}

TEST(RelicLoss, IsTheSameWithoutKernels) {
  const Tensors inputs = {Normal({9, 12}, 9), Normal({20, 12}, 10)};
  const Formula terms = Terms(12, Choose(9, 5, 20), RelicDivergence::kListing);
  const Tensors with = terms(inputs);
  SetUseKernels(false);
  const Tensors without = terms(inputs);
  SetUseKernels(true);
  for (const size_t i : {0, 1}) EXPECT_TRUE(torch::allclose(with[i], without[i], 1e-5, 1e-6));
}

}  // namespace
}  // namespace ocellus::models::ops
