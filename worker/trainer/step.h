// One optimizer step, the same in training and in replay: forward and backward over the
// micro-batches, gradients averaged over the ranks meanwhile, the guard's verdict, the update.
//
//   Computed computed = step.Backward(context, next);
//   Verdict verdict = step.Judge(computed, {.stop = wants_stop});
//   if (verdict.finite) step.Update(context);
//
// Used by the loop's thread. All ranks call the same functions in the same order.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "models/objective.h"
#include "models/optim/optimizer.h"
#include "models/optim/schedule.h"
#include "worker/dist/communicator.h"
#include "worker/dist/gradient_reducer.h"
#include "worker/trainer/profile.h"

namespace ocellus::trainer {

// Brings the inputs of the next micro-batch, on the objective's device.
using NextInputs = std::function<models::Tensors()>;

struct Computed {
  torch::Tensor loss;                     // scalar on the device: mean over this rank's samples
  torch::Tensor grad_norm;                // scalar on the device, after the averaging over ranks
  std::vector<models::Tensors> outputs;   // the objective's own, by micro-batch
  std::map<std::string, double> metrics;  // of the last micro-batch
};

// What all ranks know after the step's one small exchange.
struct Verdict {
  double loss = 0;       // mean over ranks
  double grad_norm = 0;  // before clipping
  bool finite = true;    // false: on no rank may the optimizer see these gradients
  bool stop = false;     // at least one rank was asked to stop
  bool save = false;     // rank 0 means to save after this step
};

// What a rank brings into that exchange besides.
struct Votes {
  bool stop = false;
  bool save = false;
};

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

  // Clips, takes the optimizer's step at the rate of context.step, and lets the objective follow.
  void Update(const models::StepContext& context);

  // The rate of that step.
  double Rate(int64_t step) const { return schedule_.Rate(step); }

  const std::vector<models::optim::NamedParameter>& parameters() const { return parameters_; }

 private:
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
};

}  // namespace ocellus::trainer
