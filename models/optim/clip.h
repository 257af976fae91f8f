// The size of a gradient, and a limit on it.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "models/optim/optimizer.h"

namespace ocellus::models::optim {

// L2 norm over the gradients of all parameters together, a scalar on their device (no
// synchronisation). NaN or infinite when any gradient is. Parameters without .grad count as 0.
torch::Tensor GradientNorm(const std::vector<NamedParameter>& parameters);

// min(1, limit / (norm + 1e-6)): what gradients count times, as in torch.nn.utils.clip_grad_norm_.
// A scalar on the norm's device.
torch::Tensor ClipFactor(const torch::Tensor& norm, double limit);

}  // namespace ocellus::models::optim
