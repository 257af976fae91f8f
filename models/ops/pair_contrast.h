// What the contrastive losses have in common: one side's embeddings against all of the other
// side's, a tile of their products at a time (kernels/contrast.h).
#pragma once

#include <torch/torch.h>

#include "models/collectives.h"

namespace ocellus::models::ops {

enum class PairLoss {
  kBothSoftmax,  // mean of the cross entropies over rows and over columns
  kRowSoftmax,   // cross entropy over rows; gradient for the rows alone
  kSigmoid       // -sum log sigmoid(+-logit) / n, plus for partners
};

// n rows a rank, N of all ranks, E width; row i of `rows` has row i of `columns` as its partner,
// and every other column of any rank is a negative.
//   rows, columns  [n, E] fp32; n the same on all ranks
//   scale, bias    fp32 scalars: logit = scale * row . column + bias
// Returns this rank's share, a scalar whose mean over the ranks is the loss of the whole batch.
// Averaged over the ranks, gradients are those of the whole batch, the scalars' too; the gradient
// that flows into the share must be the same on all ranks. Forward exchanges once, twice for
// kBothSoftmax; backward once, but not for kRowSoftmax.
//
// Gradients are computed in the forward pass, where a tile is at hand; backward scales them.
// Memory beside embeddings and their gradients is a tile: 4 MiB, or 64 rows of logits if that is
// more.
torch::Tensor PairContrast(const torch::Tensor& rows, const torch::Tensor& columns,
                           const torch::Tensor& scale, const torch::Tensor& bias, PairLoss kind,
                           Collectives& collectives);

}  // namespace ocellus::models::ops
