// The n-th sample of the run, its crop and its mask depend on the seed alone: not on threads,
// ranks, micro-batches or restarts.
#include <gtest/gtest.h>

#include "tests/worker/trainer/recording_objective.h"
#include "tests/worker/trainer/tiny_job.h"
#include "worker/checkpoint/retention.h"
#include "worker/trainer/local_ranks.h"
#include "worker/trainer/train.h"

namespace ocellus::trainer {
namespace {

class Silent final : public Reporter {
 protected:
  void Write(const wire::EventBody& body) override {
    const auto* exit = std::get_if<wire::ExitRecord>(&body);
    if (exit && exit->fault_class != wire::FaultClass::kNone) {
      std::fprintf(stderr, "%s: %s\n", exit->outcome.c_str(), exit->message.c_str());
    }
  }
};

struct Setting {
  int ranks = 1;
  int threads = 1;
  int accumulate = 1;
  const char* backend = "reference";
};

using Batches = std::map<int64_t, std::vector<Seen>>;

class GlobalBatches : public testing::Test {
 protected:
  GlobalBatches() { WritePictures(folder_ / "pictures", 40); }

  wire::Document Document(const std::string& store, const Setting& setting, int64_t steps) const {
    auto training = TinyTraining(folder_ / "pictures", steps);
    training["objective"] = {{"recording", nlohmann::json::object()}};
    training["data"]["threads"] = setting.threads;
    training["batch"]["accumulate"] = setting.accumulate;
    training["data"]["augment"]["backend"] = setting.backend;
    auto document = TinyDocument(training, folder_ / store);
    document.world = setting.ranks;
    return document;
  }

  // Trains in processes of their own; global batches put together in the loader's order:
  // micro-batch by micro-batch, each rank after rank.
  Batches Train(const wire::Document& whole, const std::string& name) {
    const auto path = [&](int rank) { return folder_ / (name + "-" + std::to_string(rank)); };
    const int code = RunLocalRanks(whole.world, [&](const dist::Membership& membership) {
      wire::Document document = whole;
      document.rank = membership.rank;
      document.master_port = membership.master_port;
      RecordTo(path(membership.rank));
      Control control;
      Silent reporter;
      const auto record =
          trainer::Train(document, {membership.listen_fd, false}, control, reporter);
      reporter.Exit(record);
      return wire::ExitCode(record);
    });
    EXPECT_EQ(code, 0);
    std::vector<Batches> parts;
    for (int rank = 0; rank < whole.world; ++rank) parts.push_back(ReadRecord(path(rank)));
    const int accumulate = whole.spec["batch"]["accumulate"];
    Batches joined;
    for (const auto& [step, first] : parts[0]) {
      const size_t micro = first.size() / accumulate;
      for (int a = 0; a < accumulate; ++a) {
        for (const auto& part : parts) {
          const auto begin = part.at(step).begin() + a * micro;
          joined[step].insert(joined[step].end(), begin, begin + micro);
        }
      }
    }
    return joined;
  }

  TempFolder folder_;
};

TEST_F(GlobalBatches, AreTheSameForAnyThreadsRanksAndMicroBatches) {
  const Batches expected = Train(Document("s0", {1, 1, 1}, 12), "expected");
  ASSERT_EQ(expected.size(), 12u);
  for (const auto& [step, samples] : expected) EXPECT_EQ(samples.size(), 8u) << step;
  int name = 1;
  for (const Setting& setting :
       {Setting{1, 2, 1}, {1, 4, 1}, {2, 1, 1}, {2, 4, 1}, {2, 2, 2}, {1, 1, 4}}) {
    const std::string label = "s" + std::to_string(name++);
    EXPECT_TRUE(Train(Document(label, setting, 12), label) == expected)
        << setting.ranks << " ranks, " << setting.threads << " threads, " << setting.accumulate
        << " micro-batches";
  }
}

TEST_F(GlobalBatches, AreTheSameWhereTheDeviceMakesTheViews) {
  const Batches expected = Train(Document("d0", {1, 1, 1, "device"}, 12), "d0");
  ASSERT_EQ(expected.size(), 12u);
  EXPECT_FALSE(expected == Train(Document("r0", {1, 1, 1}, 12), "r0"));
  int name = 1;
  for (const Setting& setting : {Setting{1, 4, 1, "device"}, {2, 2, 2, "device"}}) {
    const std::string label = "d" + std::to_string(name++);
    EXPECT_TRUE(Train(Document(label, setting, 12), label) == expected)
        << setting.ranks << " ranks, " << setting.threads << " threads, " << setting.accumulate
        << " micro-batches";
  }
}

TEST_F(GlobalBatches, DifferBetweenStepsAndEpochs) {
  const Batches batches = Train(Document("s", {1, 1, 1}, 12), "s");
  std::vector<Seen> all;
  for (const auto& [step, samples] : batches) all.insert(all.end(), samples.begin(), samples.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

TEST_F(GlobalBatches, GoOnWhereTheGangBeforeStoppedWithOtherRanks) {
  const auto shared = [this](const std::string& store, int ranks, int64_t steps) {
    wire::Document document = Document(store, {ranks, 1, 1}, steps);
    document.spec["batch"]["global"] = 12;  // what 2, 3 and 4 ranks can share
    return document;
  };
  const Batches expected = Train(shared("whole", 1, 12), "whole");
  int64_t done = 0;
  std::vector<wire::RestorePoint> restore;
  for (const int ranks : {4, 2, 3, 4, 1, 2}) {
    wire::Document part = shared("part", ranks, done + 2);
    part.restore = restore;
    const Batches got = Train(part, "part" + std::to_string(done));
    ASSERT_EQ(got.size(), 2u) << done;
    for (const auto& [step, samples] : got) EXPECT_TRUE(samples == expected.at(step)) << step;
    done += 2;
    const auto store = store::OpenStore(part.store);
    const auto newest = checkpoint::ListCheckpoints(*store, part.prefix).at(0);
    EXPECT_EQ(newest.step, done);
    restore = {{newest.step, newest.prefix}};
  }
}

}  // namespace
}  // namespace ocellus::trainer
