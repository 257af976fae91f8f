// One optimizer step, the same in training and in replay: forward and backward over the
// micro-batches, gradients averaged over the ranks meanwhile, the guard's verdict, the update.
//
//   Computed computed = step.Backward(context, next);
//   Verdict verdict = step.Judge(computed, {.stop = wants_stop});
//   if (verdict.finite) step.Update(context);
//
// or, so that the host never waits for the device that computes (after RunAhead):
//
//   Computed computed = step.Backward(context, next);
//   std::optional<Verdict> before = step.JudgeAhead(context, computed, votes);
//   step.Update(context);
//
// JudgeAhead has the verdict on the step before; Update does nothing on the device where this
// step's will be a refusal.
//
// Used by the loop's thread. All ranks call the same functions in the same order.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/objective.h"
#include "models/optim/optimizer.h"
#include "models/optim/schedule.h"
#include "worker/dist/communicator.h"
#include "worker/dist/gradient_reducer.h"
#include "worker/trainer/ballot.h"
#include "worker/trainer/computed.h"
#include "worker/trainer/profile.h"
#include "worker/trainer/step_graph.h"

namespace ocellus::trainer {

// Brings the inputs of the next micro-batch, on the objective's device.
using NextInputs = std::function<models::Tensors()>;

class Step {
 public:
  // Nothing is owned. `accumulate`: micro-batches of a step. `clip_norm` 0: no clipping. Averages
  // that the objective hands over move in the optimizer's pass from now on. `profile` may be null.
  Step(models::Objective& objective, models::optim::Optimizer& optimizer,
       const models::optim::Schedule& schedule, dist::Communicator& ranks, int64_t accumulate,
       double clip_norm, Profile* profile = nullptr);

  // Leaves the mean gradient of the global batch in the parameters' .grad.
  Computed Backward(const models::StepContext& context, const NextInputs& next);

  // The verdict is the same on all ranks: a loss or gradient that is not finite on any of them is
  // refused by all.
  Verdict Judge(const Computed& computed, const Votes& wishes);

  // From now on JudgeAhead takes Judge's place. Where the objective's work is the same at each step
  // it becomes a CUDA graph (step_graph.h); `say` hears of it, or why not.
  void RunAhead(const std::function<void(const std::string&)>& say);
  bool runs_ahead() const { return ballot_ != nullptr; }

  // Enqueues this step's exchange; Update may follow. Returns the verdict of the step before,
  // nothing at the first.
  std::optional<Verdict> JudgeAhead(const models::StepContext& context, const Computed& computed,
                                    const Votes& wishes);
  // The verdict that is still to come, if any: waits for the device.
  std::optional<Verdict> Settle();

  // Clips, takes the optimizer's step at the rate of context.step, and lets the objective follow.
  void Update(const models::StepContext& context);

  // The rate of that step.
  double Rate(int64_t step) const { return schedule_.Rate(step); }

  const std::vector<models::optim::NamedParameter>& parameters() const { return parameters_; }

 private:
  Computed Compute(const models::StepContext& context, const NextInputs& next);
  Verdict ReadVerdict();

  models::Objective& objective_;
  models::optim::Optimizer& optimizer_;
  models::optim::Schedule schedule_;
  dist::Communicator& ranks_;
  int64_t accumulate_;
  double clip_norm_;
  Profile* profile_;
  std::vector<models::optim::NamedParameter> parameters_;
  bool moves_averages_;  // the objective has handed its own over to the optimizer
  dist::GradientReducer reducer_;
  torch::Tensor grad_norm_;
  torch::Tensor soundness_;  // ahead: what Ballot::Cast gave for this step
  std::unique_ptr<Ballot> ballot_;
  std::unique_ptr<StepGraph> graph_;
};

}  // namespace ocellus::trainer
