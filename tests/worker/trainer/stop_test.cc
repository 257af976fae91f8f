#include <gtest/gtest.h>

#include <chrono>

#include "tests/worker/trainer/tiny_job.h"
#include "tests/worker/trainer/trainer_process.h"

namespace ocellus::trainer {
namespace {

class Stop : public testing::Test {
 protected:
  Stop() { WritePictures(folder_ / "pictures", 40); }
  // Far more steps than any of these tests lets it take.
  wire::Document Endless() const {
    auto document = TinyDocument(TinyTraining(folder_ / "pictures", 1'000'000), folder_ / "store");
    document.checkpoint.every_steps = 1'000'000;
    return document;
  }
  TempFolder folder_;
};

TEST_F(Stop, IsAcknowledgedAndEndsAllRanksAfterTheSameStep) {
  auto gang = StartGang(Endless(), 2);
  gang[0]->UntilStep(3);
  const auto start = std::chrono::steady_clock::now();
  for (auto& process : gang) process->Send(wire::Print(wire::Stop{"CANCEL", 10, false}));
  for (auto& process : gang) {
    EXPECT_GE(process->UntilBody<wire::StopAck>().step, 3);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  }
  const auto first = gang[0]->End(), second = gang[1]->End();
  EXPECT_EQ(first.outcome, "STOPPED_AT");
  EXPECT_EQ(second.outcome, "STOPPED_AT");
  EXPECT_EQ(first.step, second.step);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "store/default/j-tiny/checkpoints"));
}

TEST_F(Stop, IsAcknowledgedBeforeTheFirstStep) {
  auto gang = StartGang(Endless(), 2);
  for (auto& process : gang) process->Send(wire::Print(wire::Stop{"DRAIN", 10, true}));
  for (auto& process : gang) process->UntilBody<wire::StopAck>();
  EXPECT_EQ(gang[0]->End().step, 1);
  EXPECT_EQ(gang[1]->End().step, 1);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "store/default/j-tiny/checkpoints/step-000000001"));
}

TEST_F(Stop, OfOneRankStopsTheGang) {
  auto gang = StartGang(Endless(), 2);
  gang[0]->UntilStep(2);
  gang[1]->Send(wire::Print(wire::Stop{"DRAIN", 10, false}));
  EXPECT_EQ(gang[0]->End().step, gang[1]->End().step);
}

TEST_F(Stop, ByTheEndOfStdinIsImmediate) {
  TrainerProcess process(Endless());
  process.UntilStep(2);
  process.CloseStdin();
  EXPECT_EQ(process.End().outcome, "AGENT_GONE");
}

TEST_F(Stop, UnknownAndBrokenCommandsArePassedOver) {
  TrainerProcess process(Endless());
  process.UntilStep(1);
  process.Send("{\"type\":\"dance\"}");
  process.Send("no json at all");
  process.UntilBody<wire::Log>();
  process.Send(wire::Print(wire::Stop{"CANCEL", 10, false}));
  EXPECT_EQ(process.End().outcome, "STOPPED_AT");
}

TEST_F(Stop, EventsTellOfEveryStepOnce) {
  TrainerProcess process(Endless());
  process.UntilStep(6);
  int64_t next = 1;
  for (const auto& event : process.events()) {
    if (const auto* step = std::get_if<wire::Step>(&event.body)) {
      EXPECT_EQ(step->step, next++);
      EXPECT_EQ(step->samples, step->step * 8);
      EXPECT_GT(step->images_per_s, 0);
      EXPECT_GT(step->step_s, 0);
      EXPECT_GE(step->step_s, step->data_wait_s);
    }
  }
  EXPECT_EQ(next, 7);
  EXPECT_TRUE(std::holds_alternative<wire::Hello>(process.events().front().body));
}

}  // namespace
}  // namespace ocellus::trainer
