// A step that is recorded and repeated gives the bits of plain ones, whatever changes from step to
// step; and a record that is no good leaves no trace.
#include "worker/trainer/step_graph.h"

#include <gtest/gtest.h>

#include "tests/worker/trainer/step_records.h"

namespace ocellus::trainer {
namespace {

// Does the work of the step twice.
class Doubles final : public Recorder {
 public:
  void Record(std::function<void()> work) override { work_ = std::move(work); }
  void Replay() override {
    work_();
    work_();
  }

 private:
  std::function<void()> work_;
};

void ExpectRepeatable(const json& document, const json& optimizer, int64_t broken, int replays) {
  Fixture plain(document, optimizer), recorded(document, optimizer);
  const Run want = Steps(plain, nullptr, broken);
  int count = 0;
  const Run got = Steps(
      recorded, [&] { return std::make_unique<Again>(&count); }, broken);
  EXPECT_EQ(count, replays);
  EXPECT_EQ(got.said, Lines{"steps are CUDA graphs from here on"});
  ExpectSame(got, want, broken);
  EXPECT_EQ(recorded.optimizer->steps(), 8);
  ExpectSameState(recorded, plain);
}

TEST(StepGraph, RepeatsEachMethodBitForBit) {
  for (const json& document : Documents()) {
    SCOPED_TRACE(document.at("objective").begin().key());
    ExpectRepeatable(document, kOptimizer, /*broken=*/6, /*replays=*/6);
  }
}

TEST(StepGraph, RepeatsEachOptimizer) {
  const json lars = {{"lars",
                      {{"lr", 0.3},
                       {"form", "simclr"},
                       {"momentum", 0.9},
                       {"weight_decay", 1e-6},
                       {"trust_coefficient", 0.001}}}};
  const json sgd = {{"sgd",
                     {{"lr", 0.3},
                      {"momentum", 0.9},
                      {"weight_decay", 1e-4},
                      {"nesterov", true},
                      {"decay_all", false}}}};
  const json relic = Documents()[3];
  for (const json& optimizer : {lars, sgd}) ExpectRepeatable(relic, optimizer, 6, 6);
}

TEST(StepGraph, WaitsWithTheRecordForAStepThatIsNotRefused) {
  ExpectRepeatable(Documents()[0], kOptimizer, /*broken=*/kRecorded, /*replays=*/5);
}

void ExpectPlain(const MakeRecorder& make, const std::string& why) {
  const json document = Documents()[1];
  Fixture plain(document), other(document);
  const Run want = Steps(plain, nullptr, 6), got = Steps(other, make, 6);
  EXPECT_EQ(got.said, Lines{"steps are not CUDA graphs: " + why});
  ExpectSame(got, want, 6);
  ExpectSameState(other, plain);
}

TEST(StepGraph, GivesUpARecordThatCannotBeMade) {
  ExpectPlain([] { return std::make_unique<Refuses>(); }, "recording failed: not this");
}

TEST(StepGraph, GivesUpARecordOfOtherNumbers) {
  ExpectPlain([] { return std::make_unique<Doubles>(); }, "a recorded step gave other numbers");
}

TEST(StepGraph, WithoutARecorderRunsStepsAsTheyAre) {
  Lines said;
  StepGraph graph({.say = [&](const std::string& line) { said.push_back(line); }});
  int runs = 0;
  const StepBody body = [&](const std::vector<models::Tensors>& inputs) {
    ++runs;
    return Computed{.loss = inputs.at(0).at("x").sum(), .grad_norm = torch::zeros({})};
  };
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(graph.Run({{{"x", torch::ones({3})}}}, body).loss.item<float>(), 3);
  }
  EXPECT_EQ(runs, 5);
  EXPECT_EQ(said, Lines{"steps are not CUDA graphs: this trainer was built without CUDA"});
}

}  // namespace
}  // namespace ocellus::trainer
