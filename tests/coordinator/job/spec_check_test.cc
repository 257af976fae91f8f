#include "coordinator/job/spec_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "coordinator/base/error.h"
#include "tests/coordinator/support/fixtures.h"

namespace ocellus::coordinator {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

std::vector<FieldViolation> Violations(const v1::JobSpec& spec) {
  const auto checked = CheckSpec(spec);
  EXPECT_FALSE(checked.ok());
  EXPECT_EQ(ReasonOf(checked.status()), v1::ERROR_REASON_INVALID_SPEC);
  return ViolationsOf(checked.status());
}

TEST(SpecCheckTest, FillsDefaults) {
  v1::JobSpec spec = Spec("a");
  spec.clear_device();
  const auto checked = CheckSpec(spec);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->spec.project(), "default");
  EXPECT_EQ(checked->spec.device(), v1::DEVICE_AUTO);
  EXPECT_EQ(checked->spec.retry().unknown_retries(), 3);
  EXPECT_EQ(checked->spec.checkpoint().every_steps(), 500);
  EXPECT_EQ(checked->spec.checkpoint().keep(), 3);
  EXPECT_EQ(checked->spec.stop_grace().seconds(), 120);
  const auto resolved = nlohmann::json::parse(checked->resolved_json);
  EXPECT_EQ(resolved["objective"]["mae"]["mask_ratio"], 0.75);
  EXPECT_TRUE(resolved["objective"]["mae"].contains("norm_pix_loss"));
}

TEST(SpecCheckTest, ListsEveryMistakeAtOnce) {
  v1::JobSpec spec = Spec("Bad_Name", 0);
  spec.set_priority(5000);
  spec.mutable_checkpoint()->set_keep(-1);
  auto training = nlohmann::json::parse(spec.training_json());
  training["objective"]["mae"]["mask_ration"] = 0.5;
  spec.set_training_json(training.dump());
  const auto violations = Violations(spec);
  EXPECT_THAT(violations, Contains(Pair("name", HasSubstr("a-z"))));
  EXPECT_THAT(violations, Contains(Pair("ranks", HasSubstr("1 to"))));
  EXPECT_THAT(violations, Contains(Pair("priority", HasSubstr("1000"))));
  EXPECT_THAT(violations, Contains(Pair("checkpoint.keep", HasSubstr("1 or more"))));
  EXPECT_THAT(violations, Contains(Pair("objective.mae.mask_ration", HasSubstr("mask_ratio"))));
}

TEST(SpecCheckTest, TrainingMustBeOneObject) {
  for (const char* text : {"", "[]", "{", "3", "not json"}) {
    v1::JobSpec spec = Spec("a");
    spec.set_training_json(text);
    EXPECT_THAT(Violations(spec), Contains(Pair("training_json", HasSubstr("JSON object"))))
        << text;
  }
}

TEST(SpecCheckTest, BatchThatRanksCannotShare) {
  EXPECT_FALSE(CheckSpec(Spec("a", 3)).ok());  // 16 images over 3 ranks
}

TEST(RequestHashTest, SameForAnySpelling) {
  v1::JobSpec a = Spec("a");
  v1::JobSpec b = Spec("a");
  b.set_training_json(nlohmann::json::parse(a.training_json()).dump(2));
  (*a.mutable_labels())["x"] = "1";
  (*a.mutable_labels())["y"] = "2";
  (*b.mutable_labels())["y"] = "2";
  (*b.mutable_labels())["x"] = "1";
  EXPECT_EQ(RequestHash(a), RequestHash(b));
  b.set_priority(1);
  EXPECT_NE(RequestHash(a), RequestHash(b));
  EXPECT_EQ(RequestHash(a).size(), 64u);
}

}  // namespace
}  // namespace ocellus::coordinator
