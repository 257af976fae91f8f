#include "worker/trainer/knn.h"

#include <gtest/gtest.h>

#include <cmath>

#include "worker/trainer/evaluation.h"

namespace ocellus::trainer {
namespace {

LabelledFeatures Two(float first_x, float first_y, int64_t first, float second_x, float second_y,
                     int64_t second) {
  return {torch::tensor({{first_x, first_y}, {second_x, second_y}}), {first, second}};
}

TEST(Knn, LooksAtDirectionsAlone) {
  const auto bank = Two(100, 0, 0, 0, 0.01f, 1);
  const auto queries = Two(0.1f, 0, 0, 0.1f, 5, 1);
  EXPECT_EQ(KnnAccuracy(bank, queries, 1, 0.07), 1.0);
}

TEST(Knn, NearNeighboursWeighMoreThanMany) {
  // One neighbour in the query's direction, two at a right angle: exp(1/T) beats 2 exp(0).
  const LabelledFeatures bank{torch::tensor({{1.f, 0.f}, {0.f, 1.f}, {0.f, 2.f}}), {3, 5, 5}};
  const LabelledFeatures query{torch::tensor({{1.f, 0.f}}), {3}};
  EXPECT_EQ(KnnAccuracy(bank, query, 3, 0.07), 1.0);
  EXPECT_EQ(KnnAccuracy(bank, query, 3, 10.0), 0.0);
}

TEST(Knn, TakesAsManyNeighboursAsThereAre) {
  EXPECT_EQ(KnnAccuracy(Two(1, 0, 0, 0, 1, 1), Two(1, 0, 0, 0, 1, 0), 20, 0.07), 0.5);
}

TEST(Knn, LeavesOutWhatHasNoLabel) {
  EXPECT_EQ(KnnAccuracy(Two(1, 0, -1, 0, 1, 1), Two(1, 0, 1, 0, 1, -1), 1, 0.07), 1.0);
  EXPECT_TRUE(std::isnan(KnnAccuracy(Two(1, 0, -1, 0, 1, -1), Two(1, 0, 1, 0, 1, 1), 1, 0.07)));
}

TEST(Knn, ASmallTemperatureDoesNotOverflow) {
  EXPECT_EQ(KnnAccuracy(Two(1, 0, 0, 0, 1, 1), Two(1, 0, 0, 0, 1, 1), 2, 0.001), 1.0);
}

TEST(Knn, SplitsASmallSetInProportion) {
  const KnnSplit whole = SplitForKnn(5000, 2000, 500);
  EXPECT_EQ(whole.bank, 2000);
  EXPECT_EQ(whole.queries, 500);
  const KnnSplit small = SplitForKnn(100, 2000, 500);
  EXPECT_EQ(small.bank, 80);
  EXPECT_EQ(small.queries, 20);
}

}  // namespace
}  // namespace ocellus::trainer
