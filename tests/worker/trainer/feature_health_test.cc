#include "worker/trainer/feature_health.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ocellus::trainer {
namespace {

torch::Tensor NormalRows(int64_t samples, int64_t dim) {
  return torch::randn({samples, dim}, torch::make_generator<at::CPUGeneratorImpl>(7));
}

TEST(FeatureHealth, EqualFeaturesHaveNoSpreadAndRankOne) {
  const FeatureHealth health = MeasureHealth(NormalRows(1, 24).expand({100, 24}));
  EXPECT_TRUE(health.finite);
  EXPECT_NEAR(health.std, 0, 1e-7);
  EXPECT_NEAR(health.effective_rank, 1, 1e-3);
  EXPECT_EQ(health.dim, 24);
  EXPECT_EQ(health.samples, 100);
}

TEST(FeatureHealth, EvenDirectionsAreHealthy) {
  const FeatureHealth health = MeasureHealth(NormalRows(4000, 32));
  EXPECT_NEAR(health.relative_std(), 1, 0.02);
  EXPECT_GT(health.effective_rank, 31.5);
}

// Two directions at right angles, one three times as often: singular values sqrt(3) and 1.
TEST(FeatureHealth, TheRankIsTheEntropyOfSingularValues) {
  const torch::Tensor rows =
      torch::tensor({{2.f, 0.f, 0.f}, {5.f, 0.f, 0.f}, {1.f, 0.f, 0.f}, {0.f, 9.f, 0.f}});
  const double p = std::sqrt(3.0) / (std::sqrt(3.0) + 1), q = 1 - p;
  EXPECT_NEAR(MeasureHealth(rows).effective_rank, std::exp(-p * std::log(p) - q * std::log(q)),
              1e-9);
  EXPECT_NEAR(MeasureHealth(rows).std, 2 * std::sqrt(3.0 / 16) / 3, 1e-9);
  EXPECT_NEAR(MeasureHealth(torch::eye(16) * 3).effective_rank, 16, 1e-9);
}

// The smaller Gram matrix is taken: both ways round give the same.
TEST(FeatureHealth, FewSamplesOfManyDimensionsWorkToo) {
  const torch::Tensor rows = NormalRows(20, 6);
  const torch::Tensor wide = torch::cat({rows, torch::zeros({20, 94})}, 1);
  EXPECT_NEAR(MeasureHealth(rows).effective_rank, MeasureHealth(wide).effective_rank, 1e-6);
}

TEST(FeatureHealth, SpanOfThreeDirectionsHasRankThreeAtMost) {
  const FeatureHealth health = MeasureHealth(NormalRows(500, 3).mm(NormalRows(3, 64)));
  EXPECT_LE(health.effective_rank, 3 + 1e-6);
  EXPECT_GT(health.effective_rank, 2);
}

TEST(FeatureHealth, NoticesWhatIsNotFinite) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    torch::Tensor rows = NormalRows(10, 4);
    rows[3][2] = bad;
    EXPECT_FALSE(MeasureHealth(rows).finite);
  }
}

}  // namespace
}  // namespace ocellus::trainer
