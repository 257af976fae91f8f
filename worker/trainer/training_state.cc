#include "worker/trainer/training_state.h"

#include <algorithm>
#include <ctime>

#include "models/weights/weights.h"
#include "worker/checkpoint/restore.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

std::vector<checkpoint::Candidate> Candidates(const wire::Document& document) {
  std::vector<checkpoint::Candidate> candidates;
  // By hand, a folder may have been begun under another name.
  const bool by_hand = document.checkpoint.commit == wire::Commit::kSelf;
  for (const auto& point : document.restore) {
    candidates.push_back({point.step, point.uri, by_hand ? "" : document.job});
  }
  return candidates;
}

// Ranks may find different checkpoints sound; the oldest of their choices is sound for all that
// have not looked further, so the choice is repeated from there until all agree.
checkpoint::Restored ReadTogether(store::ObjectStore& store,
                                  std::vector<checkpoint::Candidate> candidates,
                                  dist::Communicator& ranks, torch::Device device,
                                  const checkpoint::OnDamaged& on_damaged) {
  for (;;) {
    checkpoint::Restored mine = checkpoint::Restore(store, candidates, on_damaged);
    const torch::Tensor steps =
        ranks.all_gather(torch::tensor({mine.from.step}, torch::kLong).to(device)).cpu();
    const int64_t oldest = steps.min().item<int64_t>();
    if (steps.max().item<int64_t>() == oldest) return mine;
    std::erase_if(candidates, [oldest](const auto& candidate) { return candidate.step > oldest; });
  }
}

// A key that the checkpoint's document lacks came with a later release, and its default with it.
bool Same(const nlohmann::json& before, const nlohmann::json& now) {
  if (!before.is_object() || !now.is_object()) return before == now;
  for (const auto& [key, value] : before.items()) {
    if (!now.contains(key) || !Same(value, now.at(key))) return false;
  }
  return true;
}

// What makes the rest of the run another one than the checkpoint's.
void WarnOfChanges(const nlohmann::json& before, const nlohmann::json& now, Reporter& reporter) {
  for (const char* pointer : {"/seed", "/batch/global", "/data/train", "/objective", "/optimizer",
                              "/schedule", "/precision", "/data/augment"}) {
    const nlohmann::json::json_pointer key(pointer);
    if (!before.contains(key) || Same(before.at(key), now.at(key))) continue;
    reporter.Log("warning", std::string(pointer + 1) +
                                " is not what the checkpoint was trained with; the run goes on "
                                "with the new value");
  }
}

}  // namespace

checkpoint::FileSources StateSources(models::Objective& objective,
                                     const models::optim::Optimizer& optimizer) {
  return {{checkpoint::kModelName, models::weights::Source(models::weights::State(objective))},
          {checkpoint::kOptimizerName, models::weights::Source(optimizer.State())}};
}

checkpoint::Manifest StateManifest(const wire::Document& document, const Progress& progress) {
  checkpoint::Manifest manifest;
  manifest.job = document.job;
  manifest.generation = document.generation;
  manifest.step = progress.step;
  manifest.samples = progress.step * document.spec.at("batch").at("global").get<int64_t>();
  manifest.document = document.spec;
  manifest.state = {{"skipped", progress.skipped}};
  manifest.created = checkpoint::RfcTime(std::time(nullptr));
  manifest.trainer = OCELLUS_VERSION;
  return manifest;
}

std::optional<Progress> RestoreState(const wire::Document& document, store::ObjectStore& store,
                                     models::Objective& objective,
                                     models::optim::Optimizer& optimizer, dist::Communicator& ranks,
                                     Reporter& reporter) {
  if (document.restore.empty()) return std::nullopt;
  const bool first_rank = ranks.rank() == 0;
  const auto on_damaged = [&](const checkpoint::Candidate& from, const std::string& fault) {
    if (first_rank) reporter.Tell(wire::Damaged{from.prefix, fault});
  };
  const torch::Device device = objective.module().parameters().at(0).device();
  const checkpoint::Restored restored =
      ReadTogether(store, Candidates(document), ranks, device, on_damaged);
  const auto& model = restored.files.at(checkpoint::kModelName);
  models::weights::LoadState(objective, models::weights::FromFile(model), model.origin());
  optimizer.LoadState(models::weights::FromFile(restored.files.at(checkpoint::kOptimizerName)));

  if (first_rank) {
    WarnOfChanges(restored.manifest.document, document.spec, reporter);
    reporter.Tell(wire::Restored{restored.from.step, restored.from.prefix});
  }
  return Progress{restored.manifest.step, restored.manifest.state.value("skipped", int64_t{0})};
}

}  // namespace ocellus::trainer
