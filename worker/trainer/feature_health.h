// Whether features still tell images apart: their spread and how many directions they use.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace ocellus::trainer {

// Of features scaled to length 1, as kNN looks at them.
struct FeatureHealth {
  bool finite = true;         // false: some are NaN or infinite, and the numbers below are 0
  double std = 0;             // mean over dimensions of the standard deviation over samples
  double effective_rank = 0;  // exp of the entropy of the singular values' shares
  int64_t dim = 0;
  int64_t samples = 0;

  // `std` of directions spread evenly over the sphere.
  double healthy_std() const;
  // 0: all features are one; about 1: spread evenly.
  double relative_std() const { return std / healthy_std(); }
};

// `features`: [samples, dim], at least one sample; fp32. The rank is that of RankMe
// (arXiv:2210.02885) without centring, so that equal features have rank 1.
FeatureHealth MeasureHealth(const torch::Tensor& features);

}  // namespace ocellus::trainer
