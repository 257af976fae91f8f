// Recorded steps of several ranks: gradients, statistics, gathers and votes are exchanged within
// the record, over Gloo. Each rank is a process; nothing here computes before they are made.
#include <gtest/gtest.h>

#include "tests/worker/trainer/step_records.h"
#include "worker/trainer/local_ranks.h"

namespace ocellus::trainer {
namespace {

using Gang = std::shared_ptr<dist::Communicator>;
using MakeFixture = std::function<std::unique_ptr<Fixture>(const Gang&)>;

constexpr char kAgreed[] = "steps are CUDA graphs from here on";

// `body`'s expectations are those of the test.
void OverRanks(int ranks, const std::function<void(const Gang&)>& body) {
  const auto as_rank = [&](const dist::Membership& membership) {
    try {
      at::set_num_threads(1);
      body(std::make_shared<dist::Communicator>(membership, torch::kCPU));
    } catch (const std::exception& error) {
      ADD_FAILURE() << "rank " << membership.rank << ": " << error.what();
    }
    return testing::Test::HasFailure() ? 1 : 0;
  };
  EXPECT_EQ(RunLocalRanks(ranks, as_rank), 0);
}

MakeFixture Of(const json& document, const json& optimizer = kOptimizer) {
  return [=](const Gang& gang) { return std::make_unique<Fixture>(document, optimizer, gang); };
}

void ExpectSameOnAllRanks(const Run& run, Fixture& fixture) {
  models::Tensors all = fixture.State();
  for (const Verdict& verdict : run.verdicts) {
    all["verdict " + std::to_string(verdict.step)] =
        torch::tensor({verdict.loss, verdict.grad_norm}, torch::kDouble).nan_to_num();
  }
  for (const auto& [name, tensor] : all) {
    const torch::Tensor rows = fixture.ranks->all_gather(tensor.reshape({1, -1}));
    EXPECT_TRUE(rows.eq(rows[0]).all().item<bool>()) << name;
  }
}

// Plain steps, then steps with `make`'s records: the same bits, on all ranks.
void ExpectBitsOfPlainSteps(const MakeFixture& fixture, const Gang& gang, const MakeRecorder& make,
                            const std::string& said, int64_t broken = 6) {
  const auto plain = fixture(gang), recorded = fixture(gang);
  const Run want = Steps(*plain, nullptr, broken), got = Steps(*recorded, make, broken);
  EXPECT_EQ(got.said, Lines{said});
  ExpectSame(got, want, broken);
  EXPECT_EQ(recorded->optimizer->steps(), 8);
  ExpectSameState(*recorded, *plain);
  ExpectSameOnAllRanks(got, *recorded);
}

void ExpectRepeatedByAll(int ranks, const MakeFixture& fixture, int64_t broken, int replays) {
  OverRanks(ranks, [&](const Gang& gang) {
    int count = 0;
    const auto again = [&] { return std::make_unique<Again>(&count); };
    ExpectBitsOfPlainSteps(fixture, gang, again, kAgreed, broken);
    EXPECT_EQ(count, replays);
  });
}

class StepGraphOfRanks : public testing::TestWithParam<int> {};

TEST_P(StepGraphOfRanks, RepeatsEachMethodBitForBit) {
  for (const json& document : Documents()) {
    SCOPED_TRACE(document.at("objective").dump());
    ExpectRepeatedByAll(GetParam(), Of(document), /*broken=*/6, /*replays=*/6);
  }
}

TEST_P(StepGraphOfRanks, RepeatsAnOptimizerThatIsSpreadOverThem) {
  json sharded = kOptimizer;
  sharded["adamw"]["shard"] = true;
  ExpectRepeatedByAll(GetParam(), Of(Documents()[3], sharded), 6, 6);
}

INSTANTIATE_TEST_SUITE_P(Ranks, StepGraphOfRanks, testing::Values(2, 3));

// Where a pixel is not finite its rank's loss is not, and every gradient stays as sound as it was:
// that rank alone has something against the step.
class OneVote final : public models::Objective {
 public:
  OneVote() { weight_ = module_.register_parameter("weight", torch::tensor({0.5f})); }
  models::InputWishes inputs() const override { return {.views = {{"image", 4, "", false}}}; }
  torch::nn::Module& module() override { return module_; }
  void initialise(torch::Generator) override {}
  models::StepOutput forward(const models::Tensors& inputs, const models::StepContext&) override {
    const torch::Tensor& image = inputs.at("image");
    return {.loss = (image.clamp(-3, 3) * weight_ - 1).square().mean() + 0 * image.sum()};
  }
  torch::Tensor features(const torch::Tensor& images) override { return images; }
  models::Tensors encoder_weights() override { return {}; }
  std::map<std::string, std::string> encoder_metadata() override { return {}; }
  bool repeatable() const override { return true; }

 private:
  torch::nn::Module module_;
  torch::Tensor weight_;
};

std::unique_ptr<Fixture> VotesAlone(const Gang& gang) {
  return std::make_unique<Fixture>(std::make_unique<OneVote>(), kOptimizer, gang);
}

TEST(StepGraphOfTwoRanks, ARefusalOfOneIsARefusalOfBoth) {
  ExpectRepeatedByAll(2, VotesAlone, /*broken=*/6, /*replays=*/6);
}

TEST(StepGraphOfTwoRanks, BothWaitWithTheRecordForAStepThatNeitherRefuses) {
  ExpectRepeatedByAll(2, VotesAlone, /*broken=*/kRecorded, /*replays=*/5);
  ExpectRepeatedByAll(2, Of(Documents()[0]), kRecorded, 5);
}

TEST(StepGraphOfTwoRanks, ARecordThatOneCannotMakeIsGivenUpByBoth) {
  OverRanks(2, [](const Gang& gang) {
    int count = 0;
    const bool fails = gang->rank() == 1;
    const auto make = [&]() -> std::unique_ptr<Recorder> {
      if (fails) return std::make_unique<Refuses>();
      return std::make_unique<Again>(&count);
    };
    ExpectBitsOfPlainSteps(Of(Documents()[1]), gang, make,
                           fails ? "steps are not CUDA graphs: recording failed: not this"
                                 : "steps are not CUDA graphs: another rank's record failed");
    EXPECT_EQ(count, 0);  // its exchanges would wait for those of a record that is not there
  });
}

// The work again, and something more.
class Spoils final : public Recorder {
 public:
  explicit Spoils(std::function<void()> more) : more_(std::move(more)) {}
  void Record(std::function<void()> work) override { work_ = std::move(work); }
  void Replay() override {
    work_();
    more_();
  }

 private:
  std::function<void()> work_, more_;
};

TEST(StepGraphOfTwoRanks, ARecordThatOneFindsWrongIsGivenUpByBoth) {
  OverRanks(2, [](const Gang& gang) {
    Fixture* last = nullptr;  // the one whose steps are recorded
    const auto fixture = [&](const Gang& with) {
      auto made = std::make_unique<Fixture>(Documents()[1], kOptimizer, with);
      last = made.get();
      return made;
    };
    const bool spoils = gang->rank() == 1;
    const auto make = [&] {
      return std::make_unique<Spoils>([&] {
        const torch::NoGradGuard no_grad;
        if (spoils) last->step->parameters()[0].tensor.add_(1);
      });
    };
    ExpectBitsOfPlainSteps(fixture, gang, make,
                           spoils ? "steps are not CUDA graphs: a recorded step gave other numbers"
                                  : "steps are not CUDA graphs: another rank's record failed");
  });
}

}  // namespace
}  // namespace ocellus::trainer
