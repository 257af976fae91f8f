// Gangs of four, two, three, four, one and two ranks that hand one state on through checkpoints:
// each rank writes its slice, and what each rank of the next gang has restored is the state that
// was saved, bit for bit.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "tests/support/temp_folder.h"
#include "tests/worker/trainer/tiny_job.h"
#include "worker/checkpoint/retention.h"
#include "worker/store/sha256.h"
#include "worker/trainer/initial_state.h"
#include "worker/trainer/local_ranks.h"
#include "worker/trainer/saving.h"

namespace ocellus::trainer {
namespace {

class SilentReporter final : public Reporter {
  void Write(const wire::EventBody& /*body*/) override {}
};

// Of every parameter, buffer and optimizer state, of which a rank may hold a share alone.
std::string Digest(models::Objective& objective, models::optim::Optimizer& optimizer) {
  optimizer.Gather();
  checkpoint::Snapshot snapshot;
  snapshot.Take(StateSources(objective, optimizer));
  store::Sha256 sha256;
  for (const auto& [name, file] : snapshot.files()) {
    sha256.Update(std::as_bytes(std::span(file.header)));
    sha256.Update(file.data);
  }
  return sha256.FinishHex();
}

std::string TextOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Changes all of it, on every rank alike.
void Change(models::Objective& objective, models::optim::Optimizer& optimizer, int64_t step) {
  torch::manual_seed(static_cast<uint64_t>(step));
  for (auto& parameter : objective.module().parameters()) {
    if (parameter.requires_grad()) parameter.mutable_grad() = torch::randn_like(parameter);
  }
  optimizer.Step(1e-2);
}

// A rank of a gang: takes the state over from the gang before, changes it, and saves it as `step`.
int TakeOver(wire::Document document, const dist::Membership& membership, int64_t step,
             const std::string& digest_file) {
  document.rank = membership.rank;
  document.world = membership.world;
  SilentReporter reporter;
  Control control;
  const auto store = store::OpenStore(document.store);
  const auto objective = MakeRandomObjective(document.spec, torch::kCPU);
  dist::Communicator ranks(membership, torch::kCPU);
  const auto optimizer =
      models::optim::MakeOptimizer(document.spec.at("optimizer"), objective->module(), &ranks);
  const auto restored = RestoreState(document, *store, *objective, *optimizer, ranks, reporter);
  if (restored.has_value() != (step > 1)) return 1;
  if (restored && restored->step != step - 1) return 2;
  if (restored && Digest(*objective, *optimizer) != TextOf(digest_file)) return 3;

  Change(*objective, *optimizer, step);
  const std::string digest = Digest(*objective, *optimizer);
  const Saving saving =
      MakeSaving(document, store.get(), &control, &reporter, ranks, torch::kCPU, step - 1);
  const auto sources = StateSources(*objective, *optimizer);
  saving.saver->Prepare(sources);
  saving.saver->SaveForGood(sources, StateManifest(document, {.step = step}), {},
                            std::chrono::seconds(60));
  torch::Tensor all = torch::zeros({1});
  ranks.all_reduce_sum(all);  // rank 0 keeps the store until all have heard of the end
  if (membership.rank == 0) std::ofstream(digest_file) << digest;
  return 0;
}

// Whether the optimizer's state is spread over the ranks.
class Resize : public testing::TestWithParam<bool> {};

TEST_P(Resize, StateIsHandedOnBitForBit) {
  const TempFolder folder;
  const std::string digest_file = folder / "digest";
  wire::Document document = TinyDocument(TinyTraining(folder / "pictures", 10), folder / "store");
  document.spec["optimizer"]["adamw"]["shard"] = GetParam();
  const auto store = store::OpenStore(document.store);
  int64_t step = 0;
  for (const int world : {4, 2, 3, 4, 1, 2}) {
    ++step;
    EXPECT_EQ(RunLocalRanks(world,
                            [&](const dist::Membership& membership) {
                              return TakeOver(document, membership, step, digest_file);
                            }),
              0)
        << "gang of " << world;
    const auto found = checkpoint::ListCheckpoints(*store, document.prefix);
    ASSERT_FALSE(found.empty());
    ASSERT_EQ(found.front().step, step);
    const auto manifest = checkpoint::Verify(*store, found.front());
    EXPECT_EQ(manifest.files.size(), 2u * static_cast<size_t>(world));
    document.restore = {{step, found.front().prefix}};
    ++document.generation;
  }
}

INSTANTIATE_TEST_SUITE_P(Sharded, Resize, testing::Bool());

}  // namespace
}  // namespace ocellus::trainer
