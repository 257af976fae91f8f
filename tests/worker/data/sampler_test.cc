#include "worker/data/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/worker/data/test_images.h"

namespace ocellus::data {
namespace {

std::vector<int64_t> Order(uint64_t seed, int64_t epoch, int64_t size) {
  std::vector<int64_t> order(size);
  for (int64_t n = 0; n < size; ++n) order[n] = PermutedIndex(seed, epoch, size, n);
  return order;
}

TEST(SamplerTest, EveryOrderIsAPermutation) {
  for (const int64_t size : {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1000, 4096, 5001}) {
    std::vector<int64_t> order = Order(11, 2, size);
    std::sort(order.begin(), order.end());
    for (int64_t i = 0; i < size; ++i) ASSERT_EQ(order[i], i) << "of " << size;
  }
}

TEST(SamplerTest, OrdersDifferByEpochAndSeed) {
  const auto order = Order(1, 0, 500);
  EXPECT_EQ(order, Order(1, 0, 500));
  EXPECT_NE(order, Order(1, 1, 500));
  EXPECT_NE(order, Order(2, 0, 500));
}

// Over many epochs each sample stands first about equally often, in sets of odd sizes too.
TEST(SamplerTest, EverySampleStandsAnywhere) {
  for (const int64_t size : {3, 10, 33}) {
    std::vector<int> hits(size);
    constexpr int kEpochs = 6000;
    for (int e = 0; e < kEpochs; ++e) ++hits[PermutedIndex(5, e, size, 1)];
    const double mean = static_cast<double>(kEpochs) / static_cast<double>(size);
    for (const int count : hits) EXPECT_NEAR(count, mean, 5 * std::sqrt(mean)) << size;
  }
}

TEST(SamplerTest, HugeSetsAreReachedAtOnce) {
  const int64_t size = int64_t{1} << 40;
  const int64_t index = PermutedIndex(1, 1'000'000, size + 1, size);
  EXPECT_GE(index, 0);
  EXPECT_LE(index, size);
}

TEST(SamplerTest, EpochsDropTheirLastPartialBatch) {
  const Sampler sampler(3, 103, 10);
  EXPECT_EQ(sampler.epoch_samples(), 100);
  EXPECT_EQ(sampler.At(99).epoch, 0);
  EXPECT_EQ(sampler.At(100).epoch, 1);
  EXPECT_EQ(sampler.At(100).n, 0);
  EXPECT_EQ(sampler.Index(sampler.At(217)), PermutedIndex(3, 2, 103, 17));
}

TEST(SamplerTest, RanksAndMicroBatchesShareAGlobalBatch) {
  for (const int world : {1, 2, 3}) {
    for (const int64_t accumulate : {1, 2}) {
      std::vector<int64_t> seen;
      LoaderOptions options;
      options.global_batch = 24;
      options.world = world;
      options.accumulate = accumulate;
      for (int64_t micro = 0; micro < accumulate; ++micro) {
        for (options.rank = 0; options.rank < world; ++options.rank) {
          const int64_t first = FirstPosition(options, 5, micro);
          for (int64_t i = 0; i < MicroBatch(options); ++i) seen.push_back(first + i);
        }
      }
      std::vector<int64_t> expected(24);
      std::iota(expected.begin(), expected.end(), 5 * 24);
      EXPECT_EQ(seen, expected) << world << " ranks, " << accumulate;
    }
  }
}

TEST(SamplerTest, ReplacementsAreAFixedSequence) {
  const Sampler sampler(3, 1000, 10);
  const Place place = sampler.At(42);
  EXPECT_EQ(sampler.Replacement(place, 3), Sampler(3, 1000, 20).Replacement(place, 3));
  EXPECT_NE(sampler.Replacement(place, 0), sampler.Replacement(place, 1));
  EXPECT_LT(sampler.Replacement(place, 0), 1000);
}

TEST(SamplerTest, SaysWhyASettingCannotWork) {
  EXPECT_EQ(MessageOf("NO_DATA", [] { Sampler(0, 7, 8); }),
            "data.train has 7 samples, fewer than one batch of 8 (batch.global)");
  LoaderOptions options;
  options.global_batch = 10;
  options.world = 4;
  EXPECT_EQ(MessageOf("BAD_SPEC", [&] { MicroBatch(options); }),
            "batch.global: 10 does not divide by ranks x batch.accumulate = 4 x 1");
}

}  // namespace
}  // namespace ocellus::data
