// The contrast of queries with keys: cross entropy over similarities, one key of which is right.
// van den Oord et al. 2018, arXiv:1807.03748; facebookresearch/moco-v3 builder.py
// contrastive_loss, without its factor.
#pragma once

#include <torch/torch.h>

#include "models/collectives.h"

namespace ocellus::models::ops {

// -log softmax(q k^T / temperature) at the query's own key, averaged over the queries of this rank,
// with both normalised (x / max(|x|, 1e-12)). All in fp32.
//   queries  [N, D]   any floating type
//   keys     [N, D]   any floating type, without gradient; those of all ranks are candidates
// Returns a scalar in fp32. N must be the same on every rank, temperature above 0.
torch::Tensor KeyContrast(const torch::Tensor& queries, const torch::Tensor& keys,
                          double temperature, Collectives& collectives);

}  // namespace ocellus::models::ops
