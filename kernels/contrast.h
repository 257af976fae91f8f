// What contrastive losses do with a tile of products between embeddings: softmax statistics and
// gradients, in place, so that a batch of N pairs needs tiles instead of N x N logits. The products
// themselves come from a matrix product, and gradients of the embeddings are products with a tile.
//
// A tile has some rows of the logits and all of their columns: logit[i, j] = scale * product[i, j]
// + bias. Row i's own partner is column `first` + i. All of fp32, dense. CUDA functions only
// enqueue work on `stream` (a cudaStream_t).
#pragma once

#include <cstdint>

#include "kernels/partition.h"

namespace ocellus::kernels {

struct ContrastTile {
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t first = 0;             // first + rows <= columns
  float* products = nullptr;     // [rows, columns]
  const float* scale = nullptr;  // [1]
  const float* bias = nullptr;   // [1], null: 0
};

// row_lse[i] = log sum_j e^logit[i, j];  partner[i] = the own partner's logit. Columns are summed
// over tiles, one after the other: log sum e^logit = column_max + log(column_sum) afterwards. They
// start as -infinity and 0; null: not wanted.
struct ContrastStatisticsArgs {
  ContrastTile tile;
  float* row_lse = nullptr;     // [rows]
  float* partner = nullptr;     // [rows]
  float* column_max = nullptr;  // [columns]
  float* column_sum = nullptr;  // [columns]
};

// products[i, j] <- d[i, j] = e^(logit - row_lse[i]) + e^(logit - column_lse[j]), minus 2 at the
// partner; without column_lse the first term minus 1.
// d_scale[i] = sum_j d[i, j] product[i, j].
struct ContrastGradientArgs {
  ContrastTile tile;
  const float* row_lse = nullptr;     // [rows]
  const float* column_lse = nullptr;  // [columns] or null
  float* d_scale = nullptr;           // [rows]
};

// The sigmoid loss: loss[i] = sum_j log(1 + e^logit[i, j]) - the partner's logit;
// products[i, j] <- d[i, j] = sigmoid(logit[i, j]), minus 1 at the partner;
// d_scale as above, d_bias[i] = sum_j d[i, j].
struct SigmoidContrastArgs {
  ContrastTile tile;
  float* loss = nullptr;     // [rows]
  float* d_scale = nullptr;  // [rows]
  float* d_bias = nullptr;   // [rows]
};

namespace cpu {
void ContrastStatistics(const ContrastStatisticsArgs& args, const ParallelFor& parallel);
void ContrastGradient(const ContrastGradientArgs& args, const ParallelFor& parallel);
void SigmoidContrast(const SigmoidContrastArgs& args, const ParallelFor& parallel);
}  // namespace cpu

namespace cuda {
void ContrastStatistics(const ContrastStatisticsArgs& args, void* stream);
void ContrastGradient(const ContrastGradientArgs& args, void* stream);
void SigmoidContrast(const SigmoidContrastArgs& args, void* stream);
}  // namespace cuda

}  // namespace ocellus::kernels
