#include "worker/trainer/linear_probe.h"

#include <gtest/gtest.h>

#include <limits>

namespace ocellus::trainer {
namespace {

constexpr ProbeSettings kProbeSettings{.iterations = 200, .l2 = 0.01};

torch::Tensor Waves(int64_t samples, int64_t dim, double phase) {
  const auto steps = torch::arange(samples * dim, torch::kFloat64);
  return (steps * 0.7 + phase).sin().to(torch::kFloat32).view({samples, dim});
}

// Class c lies around the c-th axis, on a scale and at a place that differ by dimension.
LabelledFeatures Clusters(int64_t samples, int64_t classes, uint64_t seed) {
  const auto generator = torch::make_generator<at::CPUGeneratorImpl>(seed);
  std::vector<int64_t> labels(samples);
  for (int64_t i = 0; i < samples; ++i) labels[i] = i % classes;
  const torch::Tensor centres =
      torch::one_hot(torch::tensor(labels), classes).to(torch::kFloat32) * 4;
  const torch::Tensor scale = torch::logspace(-4, 3, classes);
  return {(centres + torch::randn({samples, classes}, generator)) * scale + 50, labels};
}

// Weights of scikit-learn's LogisticRegression(C = 1 / (l2 n), tol = 1e-10), biases around 0.
TEST(LinearProbe, FitsWhatScikitLearnFits) {
  std::vector<int64_t> labels(30);
  for (int64_t i = 0; i < 30; ++i) labels[i] = i * 7 % 3;
  torch::Tensor weights = FitLogistic(Waves(30, 3, 0.2), torch::tensor(labels), 3, kProbeSettings);
  weights.select(1, 3) -= weights.select(1, 3).mean();
  const torch::Tensor expected =
      torch::tensor({{-0.01896373, 1.20758153, 1.8661823, -0.10211916},
                     {1.74053689, 0.08560339, -1.60959071, 0.24134227},
                     {-1.72157316, -1.29318492, -0.25659159, -0.1392231}});
  EXPECT_LT((weights - expected).abs().max().item<double>(), 1e-3) << weights;
}

TEST(LinearProbe, SeparatesClustersOfAnyScale) {
  EXPECT_GT(LinearProbe(Clusters(600, 5, 1), Clusters(200, 5, 2), kProbeSettings), 0.93);
}

TEST(LinearProbe, IsAtChanceWhereThereIsNothingToLearn) {
  LabelledFeatures bank = Clusters(1000, 4, 1), queries = Clusters(1000, 4, 2);
  const auto noise = torch::make_generator<at::CPUGeneratorImpl>(9);
  bank.features = torch::randn({1000, 16}, noise);
  queries.features = torch::randn({1000, 16}, noise);
  EXPECT_NEAR(*LinearProbe(bank, queries, kProbeSettings), 0.25, 0.06);
  bank.features = queries.features = torch::ones({1000, 16});
  EXPECT_EQ(LinearProbe(bank, queries, kProbeSettings), 0.25);
}

TEST(LinearProbe, IsTheSameEachTime) {
  const torch::Tensor inputs = Waves(100, 8, 1), labels = torch::arange(100) % 4;
  const auto first = FitLogistic(inputs, labels, 4, kProbeSettings);
  EXPECT_TRUE(torch::equal(first, FitLogistic(inputs, labels, 4, kProbeSettings)));
}

TEST(LinearProbe, LabelsMayLeaveNumbersOutAndSamplesLabels) {
  LabelledFeatures bank = Clusters(300, 3, 1), queries = Clusters(90, 3, 2);
  for (auto* side : {&bank, &queries}) {
    for (auto& label : side->labels) label = label == 0 ? -1 : label * 1'000'000;
  }
  EXPECT_GT(LinearProbe(bank, queries, kProbeSettings), 0.9);
}

TEST(LinearProbe, GivesNothingWhereItDoesNotApply) {
  const LabelledFeatures good = Clusters(30, 3, 1);
  LabelledFeatures unlabelled = good, broken = good;
  unlabelled.labels.assign(30, -1);
  broken.features[3][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(LinearProbe(unlabelled, good, kProbeSettings));
  EXPECT_FALSE(LinearProbe(good, unlabelled, kProbeSettings));
  EXPECT_FALSE(LinearProbe(broken, good, kProbeSettings));
  EXPECT_FALSE(LinearProbe(good, broken, kProbeSettings));
  EXPECT_FALSE(LinearProbe(good, good, {.iterations = 0, .l2 = 0.01}));
}

}  // namespace
}  // namespace ocellus::trainer
