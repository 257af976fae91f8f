// Numbers that are not finite, seen from outside.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/worker/trainer/tiny_job.h"
#include "tests/worker/trainer/trainer_process.h"

namespace ocellus::trainer {
namespace {

class GuardRun : public testing::TestWithParam<int> {
 protected:
  GuardRun() { WritePictures(folder_ / "pictures", 40); }
  // A rate and a decay that make the parameters a hundred times larger with each step: out of range
  // before the twentieth.
  wire::Document Wild(const nlohmann::json& guard) const {
    auto training = TinyTraining(folder_ / "pictures", 50);
    training["optimizer"]["adamw"]["lr"] = 100;
    training["optimizer"]["adamw"]["weight_decay"] = 1;
    training["schedule"]["warmup_steps"] = 0;
    training["guard"] = guard;
    return TinyDocument(training, folder_ / "store");
  }
  TempFolder folder_;
};

TEST_P(GuardRun, SkippedStepsAreCountedUntilTheLimit) {
  auto gang =
      StartGang(Wild({{"on_nan", "skip"}, {"max_skipped", 3}, {"clip_norm", 0}}), GetParam());
  const wire::ExitRecord record = gang.front()->End();
  EXPECT_EQ(record.outcome, "NON_FINITE_LOSS");
  EXPECT_EQ(record.fault_class, wire::FaultClass::kUser);
  EXPECT_FALSE(record.hint.empty());
  int64_t skipped = 0;
  for (const auto& event : gang.front()->events()) {
    if (const auto* step = std::get_if<wire::Step>(&event.body)) {
      EXPECT_EQ(std::isnan(step->loss), step->skipped > skipped);
      skipped = step->skipped;
    }
  }
  EXPECT_EQ(skipped, 3);
  for (size_t rank = 1; rank < gang.size(); ++rank) {
    EXPECT_EQ(gang[rank]->End().outcome, "NON_FINITE_LOSS");
  }
}

TEST_P(GuardRun, FailsAtTheFirstWhenAskedTo) {
  auto gang =
      StartGang(Wild({{"on_nan", "fail"}, {"max_skipped", 100}, {"clip_norm", 0}}), GetParam());
  for (auto& process : gang) EXPECT_EQ(process->End().outcome, "NON_FINITE_LOSS");
}

INSTANTIATE_TEST_SUITE_P(Ranks, GuardRun, testing::Values(1, 2));

}  // namespace
}  // namespace ocellus::trainer
