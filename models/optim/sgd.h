// Stochastic gradient descent with momentum, as torch.optim.SGD without dampening.
#pragma once

#include <memory>
#include <vector>

#include "models/optim/optimizer.h"

namespace ocellus::models::optim {

// For each tensor p with gradient g:
//   g <- g + wd p;  v <- momentum v + g;  p <- p - lr v,
// or with nesterov p <- p - lr (g + momentum v). Nesterov needs a momentum above 0.
struct SgdSettings {
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool decay_all = false;  // else tensors of fewer than 2 dimensions do not decay
};

// State names: momentum_buffer.<parameter>, step.
std::unique_ptr<Optimizer> MakeSgd(std::vector<NamedParameter> parameters,
                                   const SgdSettings& settings);

}  // namespace ocellus::models::optim
