#include "worker/trainer/memory_keeper.h"

#include "models/weights/weights.h"
#include "worker/wire/failpoint.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

// As the coordinator knows it: a restore that came out of no checkpoint.
constexpr char kFromMemory[] = "memory";

// Whether all ranks hold the same: a state of that step with those bytes.
bool AllHave(const std::optional<checkpoint::MemoryState>& state, dist::Communicator& ranks,
             torch::Device device) {
  const int64_t step = state ? state->step : -1;
  const int64_t crc = state ? static_cast<int64_t>(state->crc) : -1;
  const torch::Tensor mine = torch::tensor({step, crc}, torch::kLong).to(device);
  const torch::Tensor all = ranks.all_gather(mine).cpu().reshape({-1, 2});
  const torch::Tensor first = all[0];
  return first[0].item<int64_t>() >= 0 && (all == first).all().item<bool>();
}

}  // namespace

MemoryKeeper::MemoryKeeper(const wire::Document& document) : document_(document) {
  if (document.memory.fd >= 0) copy_.emplace(document.memory.fd);
}

std::optional<Progress> MemoryKeeper::Restore(models::Objective& objective,
                                              models::optim::Optimizer& optimizer,
                                              dist::Communicator& ranks, Reporter& reporter) {
  // All ranks of a gang ask, or none; one whose machine had no memory for it has no state.
  if (!document_.checkpoint.memory_copy) return std::nullopt;
  std::optional<checkpoint::MemoryState> state;
  if (copy_) state = copy_->Read(document_.job, document_.memory.generation);
  const int64_t stored = document_.restore.empty() ? 0 : document_.restore.front().step;
  if (state && state->step < stored) state.reset();
  const torch::Device device = objective.module().parameters().at(0).device();
  if (!AllHave(state, ranks, device)) return std::nullopt;

  const auto& model = state->files.at(checkpoint::kModelName);
  models::weights::LoadState(objective, models::weights::FromFile(model), model.origin());
  optimizer.LoadState(models::weights::FromFile(state->files.at(checkpoint::kOptimizerName)));
  notes_ = state->notes;
  if (writes()) copy_->CountUse(*state);
  if (ranks.rank() == 0) reporter.Tell(wire::Restored{state->step, kFromMemory});
  return Progress{state->step, state->state.value("skipped", int64_t{0})};
}

void MemoryKeeper::Write(models::Objective& objective, const models::optim::Optimizer& optimizer,
                         const Progress& progress, const std::string& notes, Reporter& reporter) {
  if (!writes()) return;
  try {
    copy_->Write(StateManifest(document_, progress), StateSources(objective, optimizer), notes);
  } catch (const wire::Fault& fault) {
    reporter.Log("warning", std::string(fault.what()) + "; this run goes on without it");
    copy_.reset();
  }
  wire::Failpoint("trainer.memory_written");
}

}  // namespace ocellus::trainer
