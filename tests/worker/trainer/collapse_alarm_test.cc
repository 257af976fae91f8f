#include "worker/trainer/collapse_alarm.h"

#include <gmock/gmock.h>

namespace ocellus::trainer {
namespace {

using testing::HasSubstr;

constexpr CollapseSettings kSettings{
    .every_steps = 1, .samples = 256, .after_steps = 100, .min_std = 0.02, .min_rank = 1.5};

torch::Tensor Normal(int64_t samples, int64_t dim) {
  return torch::randn({samples, dim}, torch::make_generator<at::CPUGeneratorImpl>(3));
}

FeatureHealth Constant() { return MeasureHealth(Normal(1, 48).expand({64, 48})); }
FeatureHealth Healthy() { return MeasureHealth(Normal(64, 48)); }
// Spread, but along one line only.
FeatureHealth OneLine() { return MeasureHealth(Normal(64, 1).mm(Normal(1, 48))); }
FeatureHealth NotFinite() { return MeasureHealth(Normal(64, 48).div(0.0).mul(0.0)); }

TEST(CollapseAlarm, SaysWhatIsWrongAndWhereToLook) {
  EXPECT_FALSE(CollapseOf(Healthy(), kSettings));
  EXPECT_THAT(*CollapseOf(Constant(), kSettings), HasSubstr("nearly the same"));
  EXPECT_THAT(*CollapseOf(Constant(), kSettings), HasSubstr("look at the learning rate"));
  EXPECT_THAT(*CollapseOf(OneLine(), kSettings), HasSubstr("effective rank is 1 of 48"));
  EXPECT_THAT(*CollapseOf(NotFinite(), kSettings), HasSubstr("not finite"));
}

TEST(CollapseAlarm, RingsOnceForEachCollapse) {
  CollapseAlarm alarm(kSettings);
  EXPECT_FALSE(alarm.Judge(Healthy(), 100));
  EXPECT_FALSE(alarm.Judge(Constant(), 200));
  EXPECT_FALSE(alarm.collapsed());
  const auto rung = alarm.Judge(Constant(), 300);
  ASSERT_TRUE(rung);
  EXPECT_THAT(*rung, HasSubstr("collapse after step 300"));
  EXPECT_FALSE(alarm.Judge(Constant(), 400));
  EXPECT_FALSE(alarm.Judge(OneLine(), 500));
  EXPECT_TRUE(alarm.collapsed());
  EXPECT_FALSE(alarm.Judge(Healthy(), 600));
  EXPECT_FALSE(alarm.collapsed());
  EXPECT_FALSE(alarm.Judge(OneLine(), 700));
  EXPECT_TRUE(alarm.Judge(Constant(), 800));  // bad in another way, and still bad
}

TEST(CollapseAlarm, LetsOneBadCheckBe) {
  CollapseAlarm alarm(kSettings);
  for (int64_t step = 100; step < 1000; step += 200) {
    EXPECT_FALSE(alarm.Judge(Constant(), step));
    EXPECT_FALSE(alarm.Judge(Healthy(), step + 100));
    EXPECT_FALSE(alarm.collapsed());
  }
}

TEST(CollapseAlarm, LetsAnUntrainedEncoderBe) {
  CollapseAlarm alarm(kSettings);
  EXPECT_FALSE(alarm.Judge(Constant(), 0));
  EXPECT_FALSE(alarm.Judge(Constant(), 99));
  EXPECT_FALSE(alarm.Judge(Constant(), 100));
  EXPECT_FALSE(alarm.collapsed());
  EXPECT_TRUE(alarm.Judge(Constant(), 101));
}

TEST(CollapseAlarm, WaitsNeverForFeaturesThatAreNotFinite) {
  CollapseAlarm alarm(kSettings);
  EXPECT_TRUE(alarm.Judge(NotFinite(), 0));
  EXPECT_TRUE(alarm.collapsed());
  EXPECT_FALSE(alarm.Judge(NotFinite(), 50));
  EXPECT_FALSE(alarm.Judge(Constant(), 100));
  EXPECT_TRUE(alarm.collapsed());
}

TEST(CollapseAlarm, ThresholdsAreThoseOfTheDocument) {
  CollapseSettings strict = kSettings;
  strict.min_std = 1;
  EXPECT_TRUE(CollapseOf(Healthy(), strict));
  CollapseSettings lax = kSettings;
  lax.min_std = lax.min_rank = 0;
  EXPECT_FALSE(CollapseOf(Constant(), lax));
}

}  // namespace
}  // namespace ocellus::trainer
