#include "worker/data/crop.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/worker/data/test_images.h"

namespace ocellus::data {
namespace {

// fixtures/crops.json: streams and crops of a Python model of torchvision's algorithm.
TEST(CropTest, StreamsAndCropsEqualThePythonModel) {
  const nlohmann::json cases = nlohmann::json::parse(Fixture("crops.json"));
  ASSERT_GT(cases.size(), 50u);
  for (const nlohmann::json& c : cases) {
    const uint64_t seed = c["seed"];
    Draws words(seed, c["epoch"], c["n"], c["name"].get<std::string>());
    for (const nlohmann::json& word : c["words"]) EXPECT_EQ(words.Word(), word.get<uint32_t>());
    ViewOptions view;
    view.crop_scale = c["scale"];
    view.crop_ratio = c["ratio"];
    Draws draws(seed, c["epoch"], c["n"], c["name"].get<std::string>());
    const Rect crop = RandomResizedCrop({c["width"], c["height"]}, view, draws);
    const std::array<int, 4> got{crop.x, crop.y, crop.width, crop.height};
    EXPECT_EQ(nlohmann::json(got), c["crop"]) << c.dump();
  }
}

TEST(CropTest, AreasAndRatiosFillTheirRanges) {
  ViewOptions view;
  double area_low = 1, area_high = 0, ratio_low = 9, ratio_high = 0;
  int flips = 0;
  constexpr int kSamples = 4000;
  for (int n = 0; n < kSamples; ++n) {
    Draws draws(7, 0, n, "images");
    const ViewPlan plan = PlanView({1000, 1000}, view, draws);
    const Rect& crop = plan.source;
    ASSERT_GE(crop.x, 0);
    ASSERT_GE(crop.y, 0);
    ASSERT_LE(crop.x + crop.width, 1000);
    ASSERT_LE(crop.y + crop.height, 1000);
    const double area = crop.width * crop.height / 1e6;
    const double ratio = static_cast<double>(crop.width) / crop.height;
    area_low = std::min(area_low, area), area_high = std::max(area_high, area);
    ratio_low = std::min(ratio_low, ratio), ratio_high = std::max(ratio_high, ratio);
    flips += plan.flip;
  }
  EXPECT_NEAR(area_low, 0.2, 0.01);
  EXPECT_GT(area_high, 0.9);
  EXPECT_NEAR(ratio_low, 0.75, 0.01);
  EXPECT_NEAR(ratio_high, 4.0 / 3, 0.01);
  EXPECT_NEAR(flips, kSamples / 2, 4 * std::sqrt(kSamples / 4.0));
}

TEST(CropTest, FlipOfOneAndOfNone) {
  ViewOptions view;
  for (const double flip : {0.0, 1.0}) {
    view.flip = flip;
    for (int n = 0; n < 50; ++n) {
      Draws draws(1, 2, n, "images");
      EXPECT_EQ(PlanView({50, 40}, view, draws).flip, flip == 1.0);
    }
  }
}

TEST(CropTest, CentreFollowsTorchvision) {
  ViewOptions view;
  view.random = false;
  Draws draws(0, 0, 0, "images");
  const ViewPlan plan = PlanView({500, 375}, view, draws);
  EXPECT_EQ(plan.out_width, 341);  // int(256 * 500 / 375)
  EXPECT_EQ(plan.out_height, 256);
  EXPECT_EQ(plan.window_x, 58);  // round(58.5), half to even
  EXPECT_EQ(plan.window_y, 16);
  EXPECT_EQ(plan.source, (Rect{0, 0, 500, 375}));
  EXPECT_FALSE(plan.flip);
}

TEST(DrawsTest, DifferByEveryPartOfTheirName) {
  const auto first = [](uint64_t seed, int64_t epoch, int64_t n, const char* name) {
    return Draws(seed, epoch, n, name).Word();
  };
  const uint32_t base = first(1, 2, 3, "noise");
  EXPECT_EQ(base, first(1, 2, 3, "noise"));
  EXPECT_NE(base, first(1 + (uint64_t{1} << 32), 2, 3, "noise"));
  EXPECT_NE(base, first(1, 3, 3, "noise"));
  EXPECT_NE(base, first(1, 2, 4, "noise"));
  EXPECT_NE(base, first(1, 2, 3 + (int64_t{1} << 32), "noise"));
  EXPECT_NE(base, first(1, 2, 3, "images"));
}

TEST(DrawsTest, FillIsUniformInHalfOpenUnit) {
  std::vector<float> values(20000);
  Draws(3, 0, 0, "noise").Fill(values.data(), static_cast<int64_t>(values.size()));
  double sum = 0;
  for (const float v : values) {
    ASSERT_GE(v, 0.0f);
    ASSERT_LT(v, 1.0f);
    sum += v;
  }
  EXPECT_NEAR(sum / static_cast<double>(values.size()), 0.5, 0.01);
}

}  // namespace
}  // namespace ocellus::data
