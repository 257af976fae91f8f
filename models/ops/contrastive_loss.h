// The losses of paired embeddings: CLIP's (arXiv:2103.00020) and SigLIP's (arXiv:2303.15343).
#pragma once

#include <torch/torch.h>

#include "models/collectives.h"

namespace ocellus::models::ops {

// n pairs a rank, N of all ranks, E the embedding's width. Row i of `images` belongs to row i of
// `texts`; every other text of any rank is a negative, and the other way round.
//
//   images, texts  [n, E]  fp32, rows of length 1; n the same on all ranks
//   scale, bias    scalars, fp32: a pair's logit is scale * image . text + bias
//
// Both return this rank's share, a scalar whose mean over the ranks is the loss of the whole batch;
// gradients averaged over the ranks are those of the whole batch, the scalars' too. Memory beside
// the gathered texts and their gradient is a tile of the logits (pair_contrast.h), never all of
// them.

// The mean of the cross entropies over rows and columns, the diagonal as label.
torch::Tensor InfoNceLoss(const torch::Tensor& images, const torch::Tensor& texts,
                          const torch::Tensor& scale, Collectives& collectives);

// -sum log sigmoid(+-logit) / n, plus on the diagonal.
torch::Tensor SigLipLoss(const torch::Tensor& images, const torch::Tensor& texts,
                         const torch::Tensor& scale, const torch::Tensor& bias,
                         Collectives& collectives);

}  // namespace ocellus::models::ops
