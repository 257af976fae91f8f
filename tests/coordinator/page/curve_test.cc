#include "coordinator/page/curve.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "coordinator/fleet/loss_trail.h"

namespace ocellus::coordinator {
namespace {

using nlohmann::json;

TEST(CurveTest, TakesStepAndLoss) {
  const json curve =
      json::parse(CurveJson("{\"step\":1,\"loss\":2.5,\"chance_loss\":3.0}\n"
                            "{\"step\":2,\"loss\":null,\"skipped\":true}\n"
                            "no record\n{\"step\":\"3\"}\n[4]\n\n{\"step\":5,\"loss\":1.5}"));
  EXPECT_EQ(curve["points"], json::parse("[[1, 2.5], [2, null], [5, 1.5]]"));
  EXPECT_EQ(curve["chance"], 3.0);
}

TEST(CurveTest, NothingIsAnEmptyCurve) {
  const json curve = json::parse(CurveJson(""));
  EXPECT_TRUE(curve["points"].is_array() && curve["points"].empty());
  EXPECT_TRUE(curve["chance"].is_null());
}

TEST(CurveTest, ALongRunKeepsItsEnds) {
  std::string history;
  for (int step = 1; step <= 10'000; ++step) {
    absl::StrAppend(&history, "{\"step\":", step, ",\"loss\":", 1.0 / step, "}\n");
  }
  const json points = json::parse(CurveJson(history))["points"];
  EXPECT_LE(points.size(), kCurvePointsMax + 1);
  EXPECT_GE(points.size(), kCurvePointsMax / 2);
  EXPECT_EQ(points.front()[0], 1);
  EXPECT_EQ(points.back()[0], 10'000);
}

TEST(LossTrailTest, IsBoundedAndKeepsTheNewest) {
  LossTrail trail;
  for (int64_t step = 1; step <= 100'000; ++step) trail.Add(step, static_cast<double>(step));
  const auto& points = trail.points();
  ASSERT_LE(points.size(), kTrailPointsMax);
  ASSERT_GE(points.size(), kTrailPointsMax / 2);
  EXPECT_EQ(points.back().step, 100'000);
  for (size_t i = 1; i < points.size(); ++i) {
    EXPECT_LT(points[i - 1].step, points[i].step);
    EXPECT_EQ(points[i].loss, static_cast<double>(points[i].step));
  }
}

TEST(LossTrailTest, AGangThatBeganAgainTakesBackWhatItDoesAgain) {
  LossTrail trail;
  for (const int64_t step : {1, 2, 3, 4}) trail.Add(step, 1);
  trail.Add(3, 0.5);
  ASSERT_EQ(trail.points().size(), 3u);
  EXPECT_EQ(trail.points().back().step, 3);
  EXPECT_EQ(trail.points().back().loss, 0.5);
}

}  // namespace
}  // namespace ocellus::coordinator
