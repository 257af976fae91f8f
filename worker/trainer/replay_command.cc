#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "models/optim/optimizer.h"
#include "models/weights/weights.h"
#include "worker/trainer/commands.h"
#include "worker/trainer/guard.h"
#include "worker/trainer/job_file.h"
#include "worker/trainer/local_ranks.h"
#include "worker/trainer/numerics.h"
#include "worker/trainer/replay_batch.h"
#include "worker/trainer/step.h"
#include "worker/trainer/user_error.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

torch::Device DeviceOf(const std::string& name, int rank) {
  if (name == "cpu") return torch::kCPU;
  if (name == "cuda" && torch::cuda::is_available()) {
    return {torch::kCUDA, static_cast<c10::DeviceIndex>(rank)};
  }
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC",
                    name == "cuda" ? "--device cuda: no GPU was found"
                                   : "--device " + name + ": neither cpu nor cuda");
}

models::Tensors OnCpu(const torch::Tensor& value, const std::string& name) {
  const bool integer = !value.is_floating_point();
  return {
      {name,
       value.detach().to(torch::kCPU, integer ? value.scalar_type() : torch::kFloat32).clone()}};
}

// The objective's own outputs of a step: micro-batches one after the other, scalars averaged over
// micro-batches and ranks.
models::Tensors JoinOutputs(const std::vector<models::Tensors>& micro_batches,
                            dist::Communicator& ranks) {
  models::Tensors joined;
  for (const auto& [name, first] : micro_batches.front()) {
    std::vector<torch::Tensor> parts;
    for (const auto& outputs : micro_batches) parts.push_back(outputs.at(name));
    torch::Tensor whole = first.dim() == 0 ? torch::stack(parts).mean() : torch::cat(parts);
    if (first.dim() == 0) {
      whole = whole / ranks.world();
      ranks.all_reduce_sum(whole);
    }
    joined.merge(OnCpu(whole, name));
  }
  return joined;
}

class Replay {
 public:
  Replay(const ReplayOptions& options, const dist::Membership& membership);
  // What OUT.safetensors holds.
  models::Tensors Run();

 private:
  ReplayOptions options_;
  nlohmann::json spec_;
  torch::Device device_;
  std::unique_ptr<models::Objective> objective_;
  std::unique_ptr<models::optim::Optimizer> optimizer_;
  ReplayBatch batch_;
  std::unique_ptr<dist::Communicator> ranks_;
};

// Everything is checked before the ranks meet.
Replay::Replay(const ReplayOptions& options, const dist::Membership& membership)
    : options_(options),
      spec_(LoadReplaySpec(options.spec)),
      device_(DeviceOf(options.device, membership.rank)),
      objective_(models::MakeObjective(spec_, device_)) {
  models::weights::LoadFile(*objective_, options.weights);
  const int64_t accumulate = spec_.contains("batch") ? spec_["batch"].value("accumulate", 1) : 1;
  batch_ = ReadReplayBatch(options.batch, objective_->inputs(), membership.rank, membership.world,
                           accumulate, device_);
  optimizer_ = models::optim::MakeOptimizer(spec_.at("optimizer"), objective_->module());
  ranks_ = std::make_unique<dist::Communicator>(membership, device_);
}

models::Tensors Replay::Run() {
  const int64_t global_batch =
      spec_.contains("batch") ? spec_["batch"].value("global", batch_.samples) : batch_.samples;
  const auto schedule = models::optim::MakeSchedule(
      spec_.at("schedule"), models::optim::PeakRate(spec_.at("optimizer"), global_batch));
  const GuardSettings settings = ReadGuard(spec_.at("guard"));
  Guard guard(settings, 0);
  Step step(*objective_, *optimizer_, schedule, *ranks_,
            static_cast<int64_t>(batch_.micro_batches.size()), settings.clip_norm);

  models::Tensors out;
  std::vector<float> losses;
  for (int64_t i = 0; i < options_.steps; ++i) {
    const models::StepContext context{.step = i,
                                      .total_steps = schedule.total_steps,
                                      .collectives = ranks_.get(),
                                      .seed = spec_.at("seed")};
    auto next = batch_.micro_batches.begin();
    const Computed computed = step.Backward(context, [&] { return *next++; });
    const Verdict verdict = step.Judge(computed, {});
    losses.push_back(static_cast<float>(verdict.loss));
    if (i == 0) {
      out = JoinOutputs(computed.outputs, *ranks_);
      for (const auto& [name, tensor] : step.parameters()) {
        out.merge(OnCpu(tensor.grad(), "grad." + name));
      }
    }
    if (verdict.finite) {
      step.Update(context);
    } else {
      guard.Refused(i + 1, verdict.loss, verdict.grad_norm);
    }
  }
  out["loss"] = torch::tensor(losses.front());
  out["loss_per_step"] = torch::tensor(losses);
  for (const auto& [name, tensor] : models::weights::State(*objective_)) {
    out.merge(OnCpu(tensor, "param." + name));
  }
  return out;
}

int ReplayRank(const ReplayOptions& options, const dist::Membership& membership) {
  ConfigureNumerics(1);
  const auto replay = [&] {
    const models::Tensors out = Replay(options, membership).Run();
    if (membership.rank == 0) models::weights::WriteTensors(out, {}, options.out);
    return 0;
  };
  // All ranks find the same faults; the first one tells of them.
  return membership.rank == 0 ? WithErrorsTold(replay) : WithErrorsCounted(replay);
}

}  // namespace

int ReplayCommand(const ReplayOptions& options) {
  if (options.ranks == 1) return ReplayRank(options, dist::Membership{});
  return RunLocalRanks(options.ranks, [&](const dist::Membership& membership) {
    return ReplayRank(options, membership);
  });
}

}  // namespace ocellus::trainer
