// What the contrastive losses go through: the products of own rows and all columns, a tile of rows
// at a time, and the log-sum-exps that come together over the tiles.
//
// n own rows, N columns of all ranks, b rows of a tile, E width.
#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "kernels/contrast.h"
#include "models/collectives.h"

namespace ocellus::models::ops {

struct ContrastSides {
  torch::Tensor rows_nE, columns_NE;
  torch::Tensor scale, bias;  // fp32 scalars: logit = scale * product + bias
  int64_t first = 0;          // own rows' partners are the columns from here on

  int64_t n() const { return rows_nE.size(0); }
};

struct ProductTile {
  int64_t row = 0;  // its first
  torch::Tensor rows_bE, products_bN;
};

// 4 MiB of products, or 64 rows if those are more.
int64_t TileRows(int64_t columns);

// The rows from `row` on, as many as a tile has; the last tile may have fewer.
ProductTile TileAt(const ContrastSides& sides, int64_t row);

// For kernels, which read and write the tensors' own memory.
kernels::ContrastTile KernelTile(const ContrastSides& sides, const ProductTile& tile);

// [b] the elements of such a matrix that belong to partners, as a view.
torch::Tensor Partners(const ContrastSides& sides, const ProductTile& tile,
                       const torch::Tensor& matrix_bN);

torch::Tensor LogitsOf(const ContrastSides& sides, const ProductTile& tile);

// Log-sum-exps of all rows, the partners' logits, and for columns e^max sum, over the tiles so far.
struct LogSumExps {
  torch::Tensor row_lse_n, partner_n, column_max_N, column_sum_N;
};

// Of no tile; the columns' are undefined, and stay so, unless `by_column`.
LogSumExps NoLogSumExps(const ContrastSides& sides, bool by_column);

void AddTile(const ContrastSides& sides, const ProductTile& tile, LogSumExps& sums);

// [N] of the columns over all ranks: an exchange.
torch::Tensor ColumnLogSumExp(const LogSumExps& sums, Collectives& ranks);

}  // namespace ocellus::models::ops
