// Activations computed again in backward instead of kept: memory for one more forward.
// Chen et al. 2016, arXiv:1604.06174.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <vector>

namespace ocellus::models::ops {

using Region = std::function<std::vector<torch::Tensor>(const std::vector<torch::Tensor>&)>;

// apply(inputs), of whose graph nothing is kept but the inputs; backward computes it again. `apply`
// must give the same bits each time (no random numbers, no running statistics), must live until
// backward is done, and uses no tensors that want a gradient but `inputs` and `parameters`. Values
// and gradients are those of apply(inputs), bit by bit.
std::vector<torch::Tensor> Recomputed(const Region& apply, const std::vector<torch::Tensor>& inputs,
                                      const std::vector<torch::Tensor>& parameters);

}  // namespace ocellus::models::ops
