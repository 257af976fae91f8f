// Tensors of all ranks, as a part of the graph.
#pragma once

#include <torch/torch.h>

#include "models/collectives.h"

namespace ocellus::models::ops {

// [n, ...] of each rank to [n * world, ...] in rank order, n the same on all. Backward adds up what
// every rank's loss says of this rank's rows, so that once gradients are averaged over the ranks
// they are those of the mean loss. (Returning the own rows' gradient alone, or gathering without
// one, gives other directions: a loss that looks right and an encoder that learns less.)
//
// `collectives` must outlive the backward pass, which exchanges once for each gather, in the
// reverse order. Throws wire::Fault (PEER_LOST) when a rank is gone.
torch::Tensor AllGather(const torch::Tensor& tensor, Collectives& collectives);

}  // namespace ocellus::models::ops
