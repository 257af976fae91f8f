// AdamW (Loshchilov & Hutter 2017), as torch.optim.AdamW.
#pragma once

#include <memory>
#include <vector>

#include "models/optim/optimizer.h"

namespace ocellus::models::optim {

// For each tensor p with gradient g, at update t = 1, 2, ...:
//   p <- p (1 - lr wd);  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
//   p <- p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
struct AdamWSettings {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  bool decay_all = false;  // else tensors of fewer than 2 dimensions do not decay
};

// State names: exp_avg.<parameter>, exp_avg_sq.<parameter>, step.
std::unique_ptr<Optimizer> MakeAdamW(std::vector<NamedParameter> parameters,
                                     const AdamWSettings& settings);

}  // namespace ocellus::models::optim
