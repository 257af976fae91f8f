// ReLICv2's two terms for a pair of views: how well an image is told from its negatives, and how
// much the answer changes when the views change sides. Tomasev et al. 2022, arXiv:2201.05119,
// equations 1 to 3.
#pragma once

#include <torch/torch.h>

#include "kernels/relic_terms.h"

namespace ocellus::models::ops {

// n images of this rank, N of all ranks, D width, C candidates of an image: itself and negatives.

struct RelicSides {
  torch::Tensor online;      // [n, D] fp32, rows of length 1, with graph
  torch::Tensor target;      // [n, D] the same, constant
  torch::Tensor all_online;  // [N, D] of all ranks; its gradient is the ranks' to sum
  torch::Tensor all_target;  // [N, D] constant
};

struct RelicCandidates {
  torch::Tensor own;     // [n] int64: where this rank's images are among all
  torch::Tensor chosen;  // [n, C] int64, an image itself first; undefined: all N of them
};

using kernels::RelicDivergence;

struct RelicTerms {
  torch::Tensor log_likelihood;  // scalar: log p of the image itself, mean over the n
  torch::Tensor kl;              // scalar: the divergence, mean over the n
};

// log p is the log-softmax over an image's candidates of online . all_target / temperature, log q
// that of target . all_online / temperature. Chosen candidates are read where they are
// (kernels/relic_terms.h): n x C numbers are kept, not n x N.
RelicTerms RelicPairTerms(const RelicSides& sides, const RelicCandidates& candidates,
                          double temperature,
                          RelicDivergence divergence = RelicDivergence::kListing);

}  // namespace ocellus::models::ops
