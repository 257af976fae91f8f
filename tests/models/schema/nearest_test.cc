#include "models/schema/nearest.h"

#include <gtest/gtest.h>

namespace ocellus::schema {
namespace {

TEST(Nearest, Distance) {
  EXPECT_EQ(EditDistance("", ""), 0);
  EXPECT_EQ(EditDistance("", "abc"), 3);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("hedas", "heads"), 1);  // neighbours swapped
}

TEST(Nearest, FindsTheNearestOnly) {
  EXPECT_EQ(Nearest("mask_ration", {"norm_pix_loss", "mask_ratio", "decoder"}), "mask_ratio");
  EXPECT_EQ(Nearest("rank", {"ranks", "retry"}), "ranks");
  EXPECT_EQ(Nearest("zebra", {"ranks", "retry"}), "");
  EXPECT_EQ(Nearest("", {"a"}), "");
  EXPECT_EQ(Nearest(std::string(100000, 'a'), {"ranks"}), "");
}

TEST(Nearest, ABeginningMeansTheOnlyOneThatContinuesIt) {
  EXPECT_EQ(Nearest("total", {"total_steps", "epochs"}), "total_steps");
  EXPECT_EQ(Nearest("warmup", {"warmup_steps", "warmup_epochs"}), "");
}

TEST(Nearest, Join) {
  EXPECT_EQ(Join({}), "");
  EXPECT_EQ(Join({"a"}), "a");
  EXPECT_EQ(Join({"a", "b"}), "a and b");
  EXPECT_EQ(Join({"a", "b", "c"}, "or"), "a, b or c");
}

}  // namespace
}  // namespace ocellus::schema
