// A large batch through a network in pieces, with the memory of one piece: the two passes of
// GradCache (Gao et al. 2021, arXiv:2101.06983) as one differentiable function.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace ocellus::models::ops {

using Piecewise = std::function<torch::Tensor(const torch::Tensor& rows)>;

// apply(inputs), computed `chunk` rows at a time and joined. Forward keeps no activations; backward
// computes each piece again, so `apply` must be a function of its rows alone: without batch
// statistics and without random numbers. One forward more, and the activations of one piece.
//   inputs      [N, ...], without gradient
//   parameters  all tensors with gradient that `apply` uses; each gets the sum over the pieces,
//               in one go
// A chunk of 0 or of at least N rows is apply(inputs) itself.
torch::Tensor Chunked(const Piecewise& apply, const torch::Tensor& inputs,
                      const std::vector<torch::Tensor>& parameters, int64_t chunk);

}  // namespace ocellus::models::ops
