#include "kernels/cpu/vector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/arrays.h"

namespace ocellus::kernels::cpu {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(VectorTest, ExpIsExact) {
  for (float x = -86.5f; x < 88.0f; x += 0.0137f) {
    const double exact = std::exp(static_cast<double>(x));
    EXPECT_NEAR(Exp(Splat(x))[3] / exact, 1.0, 2.5e-7) << x;
  }
  EXPECT_EQ(Exp(Splat(0.0f))[0], 1.0f);
}

TEST(VectorTest, ExpEndsGently) {
  EXPECT_EQ(Exp(Splat(-1e30f))[0], 0.0f);
  EXPECT_EQ(Exp(Splat(-88.0f))[0], 0.0f);
  EXPECT_GT(Exp(Splat(1e30f))[0], 1e38f);
  EXPECT_TRUE(std::isnan(Exp(Splat(kNan))[0]));
  EXPECT_TRUE(std::isnan(Exp(Splat(-std::nanf("77")))[0]));
}

TEST(VectorTest, RoundsToNearestEven) {
  for (const float value : {1.0f, 1.00390625f, 1.01171875f, -3.1415926f, 1e-30f, 3e38f, kNan}) {
    BFloat16 stored[16];
    Store(stored, Splat(value));
    const float expected = ToFloat(ToBFloat16(value));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(ToFloat(stored[5])));
    } else {
      EXPECT_EQ(ToFloat(stored[5]), expected) << value;
      EXPECT_EQ(Load(stored)[5], expected) << value;
    }
  }
}

TEST(VectorTest, ReducesAllLanes) {
  Vec v;
  for (int i = 0; i < kLanes; ++i) v[i] = static_cast<float>(1 << i);
  EXPECT_EQ(Sum(v), 65535.0f);
  EXPECT_EQ(MaxLane(v), 32768.0f);
  EXPECT_EQ(MaxLane(-v), -1.0f);
  EXPECT_EQ(Sum(KeepFirst(v, 3)), 7.0f);
  EXPECT_EQ(Sum(KeepFirst(v, 100)), 65535.0f);
  EXPECT_EQ(Sum(DropFirst(v, 3)), 65528.0f);
  EXPECT_EQ(Sum(DropFirst(v, 0)), 65535.0f);
}

TEST(VectorTest, PartsStayInside) {
  Array array = Array::Normal(5, 1), copy(5);
  StorePart(copy.floats(), LoadPart(array.floats(), 5), 5);
  ExpectNear(copy, array, 0, "copy");
  EXPECT_EQ(LoadPart(array.floats(), 5)[5], 0.0f);
}

}  // namespace
}  // namespace ocellus::kernels::cpu
