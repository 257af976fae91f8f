#include "kernels/philox.h"

#include <gtest/gtest.h>

#include <vector>

namespace ocellus::kernels {
namespace {

// Random123's kat_vectors, philox4x32 with 10 rounds.
TEST(PhiloxTest, GivesThePublishedVectors) {
  struct Vector {
    PhiloxCounter counter;
    PhiloxKey key;
    PhiloxCounter result;
  };
  const std::vector<Vector> vectors = {
      {{{0, 0, 0, 0}}, {{0, 0}}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
      {{{~0u, ~0u, ~0u, ~0u}}, {{~0u, ~0u}}, {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
      {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
       {{0xa4093822, 0x299f31d0}},
       {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}}};
  for (const Vector& vector : vectors) {
    const PhiloxCounter got = Philox4x32(vector.counter, vector.key);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(got.word[i], vector.result.word[i]);
  }
}

TEST(PhiloxTest, UniformNumbersStayBelowOne) {
  EXPECT_EQ(UniformFloat(0), 0.0f);
  EXPECT_EQ(UniformFloat(~0u), 1.0f - 0x1p-24f);
  EXPECT_EQ(UniformDouble(0, 0), 0.0);
  EXPECT_EQ(UniformDouble(~0u, ~0u), 1.0 - 0x1p-53);
}

TEST(PhiloxTest, KeyHoldsBothHalvesOfTheSeed) {
  const PhiloxKey key = MakePhiloxKey(0x0123456789abcdefu);
  EXPECT_EQ(key.word[0], 0x89abcdefu);
  EXPECT_EQ(key.word[1], 0x01234567u);
}

}  // namespace
}  // namespace ocellus::kernels
