// The linear probe: how much of the labels a linear classifier reads off frozen features.
#pragma once

#include <optional>

#include "worker/trainer/knn.h"
#include "worker/trainer/settings.h"

namespace ocellus::trainer {

// Share of `queries` that the classifier fitted to `bank` names right. Features are standardised
// with the bank's mean and variance (a BatchNorm without parameters, as MAE's probe has), then
// multinomial logistic regression is fitted in fp32 with full-batch L-BFGS from zero weights: loss
// = mean cross-entropy + l2 / 2 * |W|^2, the bias free. No randomness: the same features give the
// same number. Nothing when one side has no labels or features are not finite.
std::optional<double> LinearProbe(const LabelledFeatures& bank, const LabelledFeatures& queries,
                                  const ProbeSettings& settings);

// The fit itself, for `inputs` [n, dim] and `labels` [n] in [0, classes): the weights
// [classes, dim + 1], the last column being the bias.
torch::Tensor FitLogistic(const torch::Tensor& inputs, const torch::Tensor& labels, int64_t classes,
                          const ProbeSettings& settings);

}  // namespace ocellus::trainer
