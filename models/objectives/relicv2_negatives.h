// Which other images of the batch an image is told from.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace ocellus::models::objectives {

// What a draw of negatives is a function of; the number of ranks is not part of it.
struct NegativesDraw {
  uint64_t seed = 0;
  int64_t step = 0;
  int64_t micro = 0;  // below 2^16
  int64_t pair = 0;   // of views; below 2^16
};

// For each of `rows` images from index `first` on: itself, then `count` others of `batch`, uniform
// and without replacement. Returns [rows, 1 + count] int64 on the CPU.
// REQUIRES: first + rows <= batch, count < batch.
torch::Tensor DrawNegatives(const NegativesDraw& draw, int64_t first, int64_t rows, int64_t batch,
                            int64_t count);

// The same from given indices [rows, count], checked. Throws wire::Fault (user, BAD_BATCH) for an
// index outside of the batch, twice in a row, or of the image itself.
torch::Tensor GivenNegatives(const torch::Tensor& negatives, int64_t first, int64_t batch);

}  // namespace ocellus::models::objectives
