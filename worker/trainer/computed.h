// What a step has computed, and what the ranks make of it.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/objective.h"

namespace ocellus::trainer {

struct Computed {
  torch::Tensor loss;                     // scalar on the device: mean over this rank's samples
  torch::Tensor grad_norm;                // scalar on the device, after the averaging over ranks
  std::vector<models::Tensors> outputs;   // the objective's own, by micro-batch
  std::map<std::string, double> metrics;  // of the last micro-batch
  torch::Tensor tally;                    // ahead: Ballot::Tally::numbers
};

// What all ranks know after the step's one small exchange.
struct Verdict {
  double loss = 0;       // mean over ranks
  double grad_norm = 0;  // before clipping
  bool finite = true;    // false: on no rank may the optimizer see these gradients
  bool stop = false;     // at least one rank was asked to stop
  bool save = false;     // rank 0 means to save after this step
  int64_t step = 0;      // StepContext::step of what was judged
};

// What a rank brings into that exchange besides.
struct Votes {
  bool stop = false;
  bool save = false;
};

}  // namespace ocellus::trainer
