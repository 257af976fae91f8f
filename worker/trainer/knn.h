// Weighted nearest-neighbour classification: how much of the labels an encoder's features know
// (facebookresearch/dino eval_knn.py; Wu et al. 2018, arXiv:1805.01978).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace ocellus::trainer {

struct LabelledFeatures {
  torch::Tensor features;       // [samples, dim] fp32, CPU
  std::vector<int64_t> labels;  // -1: no label, left out
};

// Share of `queries` whose label wins the vote of their k nearest in `bank`: cosine similarity s, a
// vote of exp(s / temperature). A tie goes to the lower label. NaN when either side has no labels.
double KnnAccuracy(const LabelledFeatures& bank, const LabelledFeatures& queries, int64_t k,
                   double temperature);

}  // namespace ocellus::trainer
