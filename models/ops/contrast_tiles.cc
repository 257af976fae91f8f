#include "models/ops/contrast_tiles.h"

#include <algorithm>
#include <cmath>

#include "models/ops/launch.h"
#include "models/ops/matrix_product.h"

namespace ocellus::models::ops {
namespace {

constexpr int64_t kTileElements = int64_t{1} << 20;
constexpr int64_t kTileRowsMin = 64;

void AddByAten(const ContrastSides& sides, const ProductTile& tile, LogSumExps& s) {
  const int64_t end = tile.row + tile.rows_bE.size(0);
  const torch::Tensor logits_bN = LogitsOf(sides, tile);
  s.row_lse_n.slice(0, tile.row, end).copy_(logits_bN.logsumexp(1));
  s.partner_n.slice(0, tile.row, end).copy_(Partners(sides, tile, logits_bN));
  if (!s.column_max_N.defined()) return;
  const torch::Tensor before = s.column_max_N + s.column_sum_N.log();
  s.column_max_N = torch::logaddexp(before, logits_bN.logsumexp(0));
  s.column_sum_N.fill_(1.0);
}

}  // namespace

int64_t TileRows(int64_t columns) { return std::max(kTileElements / columns, kTileRowsMin); }

ProductTile TileAt(const ContrastSides& sides, int64_t row) {
  const torch::Tensor rows_bE =
      sides.rows_nE.slice(0, row, row + TileRows(sides.columns_NE.size(0)));
  return {row, rows_bE, ProductTransposed(rows_bE, sides.columns_NE)};
}

kernels::ContrastTile KernelTile(const ContrastSides& sides, const ProductTile& tile) {
  return {.rows = tile.products_bN.size(0),
          .columns = tile.products_bN.size(1),
          .first = sides.first + tile.row,
          .products = Floats(tile.products_bN),
          .scale = Floats(sides.scale),
          .bias = Floats(sides.bias)};
}

torch::Tensor Partners(const ContrastSides& sides, const ProductTile& tile,
                       const torch::Tensor& matrix_bN) {
  return matrix_bN.diagonal(sides.first + tile.row);
}

torch::Tensor LogitsOf(const ContrastSides& sides, const ProductTile& tile) {
  return tile.products_bN * sides.scale + sides.bias;
}

LogSumExps NoLogSumExps(const ContrastSides& sides, bool by_column) {
  const auto options = sides.rows_nE.options();
  LogSumExps s{torch::empty({sides.n()}, options), torch::empty({sides.n()}, options), {}, {}};
  if (by_column) {
    s.column_max_N = torch::full({sides.columns_NE.size(0)}, -INFINITY, options);
    s.column_sum_N = torch::zeros({sides.columns_NE.size(0)}, options);
  }
  return s;
}

void AddTile(const ContrastSides& sides, const ProductTile& tile, LogSumExps& s) {
  if (!UseKernels()) return AddByAten(sides, tile, s);
  const kernels::ContrastStatisticsArgs args{.tile = KernelTile(sides, tile),
                                             .row_lse = Floats(s.row_lse_n) + tile.row,
                                             .partner = Floats(s.partner_n) + tile.row,
                                             .column_max = Floats(s.column_max_N),
                                             .column_sum = Floats(s.column_sum_N)};
  OCELLUS_LAUNCH(ContrastStatistics, tile.products_bN, args);
}

torch::Tensor ColumnLogSumExp(const LogSumExps& s, Collectives& ranks) {
  const torch::Tensor own = torch::stack({s.column_max_N, s.column_sum_N}).unsqueeze(0);
  const torch::Tensor all = ranks.all_gather(own);
  const torch::Tensor max_RN = all.select(1, 0), sum_RN = all.select(1, 1);
  const torch::Tensor highest = std::get<0>(max_RN.max(0));
  return highest + ((max_RN - highest).exp() * sum_RN).sum(0).log();
}

}  // namespace ocellus::models::ops
