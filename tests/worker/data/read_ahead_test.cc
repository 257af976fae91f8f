#include "worker/data/read_ahead.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>

namespace ocellus::data {
namespace {

Sample Numbered(int64_t index) {
  Sample sample;
  sample.image = std::to_string(index);
  return sample;
}

TEST(ReadAheadTest, WhatIsExpectedIsFetchedOnceAndOnlyThat) {
  std::atomic<int> fetched{0};
  ReadAhead ahead(
      [&](int64_t index) {
        ++fetched;
        return Numbered(index);
      },
      4, 16);
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < 20; ++i) indices.push_back(i);
  EXPECT_EQ(ahead.Expect(indices), 16u);
  EXPECT_EQ(ahead.Expect(indices), 16u) << "the first 16 are known, the rest has no room";
  int here = 0;
  for (int64_t i = 0; i < 20; ++i) {
    const auto sample = ahead.Take(i);
    EXPECT_EQ(sample.value_or(Numbered(i)).image, std::to_string(i));
    here += sample.has_value();
  }
  EXPECT_FALSE(ahead.Take(3)) << "taken already";
  EXPECT_EQ(here, fetched);
  EXPECT_EQ(ahead.Expect(indices), 16u);
}

TEST(ReadAheadTest, FaultsComeToWhoTakes) {
  std::mutex gate;
  std::unique_lock closed(gate);
  ReadAhead ahead(
      [&](int64_t) -> Sample {
        const std::lock_guard open(gate);
        throw std::runtime_error("no network");
      },
      1, 4);
  const int64_t index = 7;
  ahead.Expect(std::span(&index, 1));
  closed.unlock();
  try {
    // Nothing when the thread had not begun: then the caller fetches, and meets it himself.
    EXPECT_FALSE(ahead.Take(index));
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "no network");
  }
}

TEST(ReadAheadTest, WhatIsHeldIsBoundedAndNobodyWaitsForRoom) {
  std::atomic<int> fetched{0};
  ReadAhead ahead(
      [&](int64_t index) {
        ++fetched;
        Sample sample = Numbered(index);
        sample.image.resize(1000);
        return sample;
      },
      2, 100, /*bytes_max=*/1500);
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < 100; ++i) indices.push_back(i);
  EXPECT_EQ(ahead.Expect(indices), 100u);
  for (int64_t i = 99; i >= 50; --i) ahead.Take(i);  // from the far end: none of them fits
  EXPECT_LE(fetched, 50 + 4);
  for (int64_t i = 0; i < 50; ++i) ahead.Take(i);
}

TEST(ReadAheadTest, WhatNobodyTakesIsForgotten) {
  ReadAhead ahead(Numbered, 2, 4);
  const std::vector<int64_t> lost = {1, 2, 3, 4};
  EXPECT_EQ(ahead.Expect(lost), 4u);
  const int64_t wanted = 9;
  for (int i = 0; i < 9; ++i) ahead.Take(100);
  EXPECT_EQ(ahead.Expect(std::span(&wanted, 1)), 1u);
}

}  // namespace
}  // namespace ocellus::data
