// Batch normalisation whose batch is the one of all ranks together, as SyncBatchNorm's.
// Ioffe & Szegedy 2015, arXiv:1502.03167.
#pragma once

#include <torch/torch.h>

#include "models/collectives.h"

namespace ocellus::models::ops {

// What evaluation normalises by, and training updates.
struct RunningStatistics {
  torch::Tensor mean;      // [C] fp32
  torch::Tensor variance;  // [C] fp32, of the unbiased variance
  torch::Tensor batches;   // int64 scalar: batches taken in
};

// y = (x - mean) / sqrt(variance + eps) * weight + bias for each channel. Mean and biased variance
// are over all values of a channel in the batches of all ranks; statistics and their gradients in
// fp32. Each running value moves by `momentum` towards the batch's, unless the batch is not finite:
// that one leaves `running` as it was.
//   x       [N, C] or [N, C, H, W], fp32 or bf16; N may differ between ranks
//   weight  [C], bias [C]   fp32, or undefined for 1 and 0
// Returns y in x's shape, type and memory format. Its gradient flows through the statistics, over
// all ranks: every rank must run backward too, in the same order. Gradients of weight and bias are
// the rank's own share, like those of any other parameter. Throws wire::Fault (user, BAD_BATCH)
// when a channel has one value in all.
torch::Tensor BatchNormTraining(const torch::Tensor& x, const torch::Tensor& weight,
                                const torch::Tensor& bias, const RunningStatistics& running,
                                double momentum, double eps, Collectives& collectives);

// The same with the running values for statistics; changes nothing.
torch::Tensor BatchNormEvaluation(const torch::Tensor& x, const torch::Tensor& weight,
                                  const torch::Tensor& bias, const RunningStatistics& running,
                                  double eps);

}  // namespace ocellus::models::ops
