// One optimizer step, the same in training and in replay: forward and backward over the
// micro-batches, gradients averaged over the ranks meanwhile, the guard's verdict, the update.
//
//   Computed computed = step.Backward(context, next);
//   Verdict verdict = step.Judge(computed, {.stop = wants_stop});
//   if (verdict.finite) step.Update(context);
//
// or, so that the host never waits for the device that computes (after RunAhead):
//
//   auto [computed, before] = step.Advance(context, next, votes);
//
// which has the verdict on the step before, and changes nothing on the device where this step's
// will be a refusal.
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
#include "worker/trainer/sent_numbers.h"
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

  // From now on Advance takes the place of Backward, Judge and Update. Where the objective's work
  // is the same at each step, `make`'s records do it (step_graph.h); `say` hears of it, or why not.
  // Without `make` they are CUDA graphs on a GPU, and none elsewhere.
  void RunAhead(const std::function<void(const std::string&)>& say, MakeRecorder make = nullptr);
  bool runs_ahead() const { return ballot_ != nullptr; }

  struct Advanced {
    Computed computed;
    std::optional<Verdict> verdict;  // on the step before; nothing at the first
  };
  // Enqueues a whole step.
  Advanced Advance(const models::StepContext& context, const NextInputs& next, const Votes& wishes);
  // The verdict that is still to come, if any: waits for the device.
  std::optional<Verdict> Settle();

  // Clips, takes the optimizer's step at the rate of context.step, and lets the objective follow.
  void Update(const models::StepContext& context);

  // The rate of that step.
  double Rate(int64_t step) const { return schedule_.Rate(step); }

  const std::vector<models::optim::NamedParameter>& parameters() const { return parameters_; }

 private:
  Computed Compute(const models::StepContext& context, const NextInputs& next);
  Computed WholeStep(const models::StepContext& context, const NextInputs& next);
  models::Tensors WithDraws(models::Tensors inputs, const models::StepContext& context) const;
  TensorsByKind WhatChanges() const;

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
  torch::Tensor soundness_;  // ahead: what Ballot::Count gave for this step
  std::unique_ptr<Ballot> ballot_;
  std::unique_ptr<SentNumbers> sent_;
  std::unique_ptr<StepGraph> graph_;
};

}  // namespace ocellus::trainer
