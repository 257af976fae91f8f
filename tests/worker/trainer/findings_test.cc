#include "worker/trainer/findings.h"

#include <gmock/gmock.h>

#include <map>

namespace ocellus::trainer {
namespace {

using testing::HasSubstr;
using testing::Not;

Findings Whole() {
  Findings findings;
  findings.knn = 0.5;
  findings.probe = 0.625;
  findings.health = FeatureHealth{.std = 0.25, .effective_rank = 7, .dim = 16, .samples = 100};
  findings.zero_shot = ZeroShot{0.1, 0.4};
  findings.retrieval = Retrieval{{0.1, 0.2, 0.3}, {0.4, 0.5, 0.6}};
  return findings;
}

std::map<std::string, double> Metrics(const std::string& suffix) {
  std::map<std::string, double> told;
  EachMetric(Whole(), suffix, [&](const std::string& name, double value) { told[name] = value; });
  return told;
}

TEST(Findings, LeaveOutWhatDoesNotApply) {
  EXPECT_EQ(ToJson(Findings{}).dump(), "{}");
  EXPECT_EQ(ToJson(Findings{.knn = 0.5}).dump(), "{\"knn\":0.5}");
}

TEST(Findings, AreWrittenWithTheirScale) {
  const auto json = ToJson(Whole());
  EXPECT_EQ(json["features"]["std_relative"], 1.0);
  EXPECT_EQ(json["retrieval"]["text_to_image"]["r10"], 0.6);
  EXPECT_EQ(json["zero_shot"]["top5"], 0.4);
  Findings broken;
  broken.health = FeatureHealth{.finite = false, .dim = 16};
  EXPECT_FALSE(ToJson(broken)["features"].contains("std"));
}

TEST(Findings, HaveMetricNames) {
  EXPECT_EQ(Metrics("").size(), 4 + 3 + 6u);
  EXPECT_EQ(Metrics("").at("recall_text_to_image_5"), 0.5);
  EXPECT_EQ(Metrics("").at("feature_std_relative"), 1.0);
  EXPECT_EQ(Metrics("_init").size(), 4u);
  EXPECT_EQ(Metrics("_init").at("probe_accuracy_init"), 0.625);
}

TEST(Findings, FitALineOfALog) {
  EXPECT_EQ(FindingsLine({.knn = 0.25, .zero_shot = ZeroShot{.top1 = 0.5, .top5 = 1}}),
            "kNN top-1 25.0 %, zero-shot top-1 50.0 %, zero-shot top-5 100.0 %");
  EXPECT_EQ(FindingsLine({}), "");
}

TEST(Findings, StandSideBySideInTheTable) {
  const std::string table = FindingsTable({{"trained", ToJson(Whole())},
                                           {"random", ToJson(Findings{.knn = 0.25})},
                                           {"pixels", ToJson(Findings{})}});
  EXPECT_THAT(table, HasSubstr("kNN top-1                         50.0 %      25.0 %           -"));
  EXPECT_THAT(table, HasSubstr("text to image R@10"));
  const std::string small = FindingsTable({{"trained", ToJson(Findings{.knn = 0.25})}});
  EXPECT_THAT(small, Not(HasSubstr("zero-shot")));
}

}  // namespace
}  // namespace ocellus::trainer
