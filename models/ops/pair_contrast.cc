#include "models/ops/pair_contrast.h"

#include "kernels/contrast.h"
#include "models/ops/contrast_tiles.h"
#include "models/ops/launch.h"
#include "models/ops/matrix_product.h"

// n own rows, N columns of all ranks, b rows of a tile, E width.
namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr int64_t kGradientColumns = 4096;

// Sums over own rows, before division by how many they are and, but for the scalars, before the
// multiplication by scale.
struct Gradients {
  torch::Tensor rows_nE, columns_NE, scale, bias;
};

Gradients EmptyGradients(const ContrastSides& sides, PairLoss kind) {
  Gradients g{torch::empty_like(sides.rows_nE),
              {},
              torch::zeros_like(sides.scale),
              torch::zeros_like(sides.scale)};
  if (kind != PairLoss::kRowSoftmax) g.columns_NE = torch::zeros_like(sides.columns_NE);
  return g;
}

// Some columns at a time, because the gradients of all together would take as much memory as the
// sums that they are added to.
void AddColumnGradients(const ProductTile& tile, torch::Tensor& columns_NE) {
  for (int64_t at = 0; at < columns_NE.size(0); at += kGradientColumns) {
    const torch::Tensor d_bC = tile.products_bN.slice(1, at, at + kGradientColumns);
    columns_NE.slice(0, at, at + kGradientColumns) += WeightGradient(d_bC, tile.rows_bE);
  }
}

// The tile's products have become d.
void Accumulate(const ProductTile& tile, const ContrastSides& sides, const torch::Tensor& d_scale_b,
                Gradients& g) {
  const int64_t end = tile.row + tile.rows_bE.size(0);
  g.rows_nE.slice(0, tile.row, end).copy_(InputGradient(tile.products_bN, sides.columns_NE));
  if (g.columns_NE.defined()) AddColumnGradients(tile, g.columns_NE);
  g.scale += d_scale_b.sum();
}

void AddSoftmaxGradient(const ContrastSides& sides, const ProductTile& tile, const LogSumExps& s,
                        const torch::Tensor& column_lse_N, Gradients& g) {
  const torch::Tensor row_lse_b = s.row_lse_n.slice(0, tile.row, tile.row + tile.rows_bE.size(0));
  torch::Tensor d_scale_b = torch::empty_like(row_lse_b);
  if (UseKernels()) {
    const kernels::ContrastGradientArgs args{.tile = KernelTile(sides, tile),
                                             .row_lse = Floats(row_lse_b),
                                             .column_lse = Floats(column_lse_N),
                                             .d_scale = Floats(d_scale_b)};
    OCELLUS_LAUNCH(ContrastGradient, tile.products_bN, args);
  } else {
    const torch::Tensor logits_bN = LogitsOf(sides, tile);
    torch::Tensor d_bN = (logits_bN - row_lse_b.unsqueeze(1)).exp();
    if (column_lse_N.defined()) d_bN += (logits_bN - column_lse_N).exp();
    Partners(sides, tile, d_bN).sub_(column_lse_N.defined() ? 2.0 : 1.0);
    d_scale_b = (d_bN * tile.products_bN).sum(1);
    tile.products_bN.copy_(d_bN);
  }
  Accumulate(tile, sides, d_scale_b, g);
}

// Returns the tile's loss; `g` may be null.
torch::Tensor AddSigmoids(const ContrastSides& sides, const ProductTile& tile, Gradients* g) {
  torch::Tensor sums_3b = torch::empty({3, tile.rows_bE.size(0)}, sides.rows_nE.options());
  if (UseKernels()) {
    const kernels::SigmoidContrastArgs args{.tile = KernelTile(sides, tile),
                                            .loss = Floats(sums_3b[0]),
                                            .d_scale = Floats(sums_3b[1]),
                                            .d_bias = Floats(sums_3b[2])};
    OCELLUS_LAUNCH(SigmoidContrast, tile.products_bN, args);
  } else {
    const torch::Tensor logits_bN = LogitsOf(sides, tile);
    sums_3b[0].copy_(at::softplus(logits_bN).sum(1) - Partners(sides, tile, logits_bN));
    torch::Tensor d_bN = logits_bN.sigmoid();
    Partners(sides, tile, d_bN).sub_(1.0);
    sums_3b[1].copy_((d_bN * tile.products_bN).sum(1));
    sums_3b[2].copy_(d_bN.sum(1));
    tile.products_bN.copy_(d_bN);
  }
  if (g) {
    Accumulate(tile, sides, sums_3b[1], *g);
    g->bias += sums_3b[2].sum();
  }
  return sums_3b[0].sum();
}

torch::Tensor SigmoidLoss(const ContrastSides& sides, Gradients* g) {
  torch::Tensor loss = torch::zeros({}, sides.rows_nE.options());
  for (int64_t row = 0; row < sides.n(); row += TileRows(sides.columns_NE.size(0))) {
    loss += AddSigmoids(sides, TileAt(sides, row), g);
  }
  return loss;
}

// Rows' probabilities are known once their tile is; columns' when all tiles are, which are then
// computed again, but for one that is the only one.
torch::Tensor SoftmaxLoss(const ContrastSides& sides, bool by_column, Gradients* g,
                          Collectives& ranks) {
  LogSumExps s = NoLogSumExps(sides, by_column);
  const int64_t step = TileRows(sides.columns_NE.size(0));
  ProductTile tile;
  for (int64_t row = 0; row < sides.n(); row += step) {
    tile = TileAt(sides, row);
    AddTile(sides, tile, s);
    if (g && !by_column) AddSoftmaxGradient(sides, tile, s, {}, *g);
  }
  const torch::Tensor by_row = s.row_lse_n - s.partner_n;
  if (!by_column) return by_row.sum();
  const torch::Tensor column_lse_N = ColumnLogSumExp(s, ranks);
  for (int64_t row = 0; g && row < sides.n(); row += step) {
    if (sides.n() > step) tile = TileAt(sides, row);
    AddSoftmaxGradient(sides, tile, s, column_lse_N, *g);
  }
  return (by_row + column_lse_N.narrow(0, sides.first, sides.n()) - s.partner_n).sum();
}

struct PairContrastFunction : torch::autograd::Function<PairContrastFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& rows_nE,
                               const torch::Tensor& columns_nE, const torch::Tensor& scale,
                               const torch::Tensor& bias, int64_t kind_number, bool wants_gradient,
                               Collectives* ranks) {
    const auto kind = static_cast<PairLoss>(kind_number);
    const ContrastSides sides{rows_nE.contiguous(), ranks->all_gather(columns_nE.contiguous()),
                              scale, bias, ranks->rank() * rows_nE.size(0)};
    const bool both = kind == PairLoss::kBothSoftmax;
    Gradients g;
    if (wants_gradient) g = EmptyGradients(sides, kind);
    Gradients* wanted = wants_gradient ? &g : nullptr;
    const torch::Tensor loss = kind == PairLoss::kSigmoid
                                   ? SigmoidLoss(sides, wanted)
                                   : SoftmaxLoss(sides, both, wanted, *ranks);
    context->save_for_backward({g.rows_nE, g.columns_NE, g.scale, g.bias, scale});
    context->saved_data["ranks"] = reinterpret_cast<int64_t>(ranks);
    context->saved_data["terms"] = sides.n() * (both ? 2 : 1);
    return loss / (sides.n() * (both ? 2 : 1));
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    auto& ranks = *reinterpret_cast<Collectives*>(context->saved_data["ranks"].toInt());
    const torch::Tensor share = gradients[0] / context->saved_data["terms"].toInt();
    const torch::Tensor scaled = share * saved[4];
    torch::Tensor d_columns = saved[1];
    if (d_columns.defined()) {
      const int64_t rows = saved[0].size(0);
      torch::Tensor sum = d_columns * scaled;
      ranks.all_reduce_sum(sum);
      d_columns = sum.narrow(0, ranks.rank() * rows, rows);
    }
    tensor_list out(7);
    out[0] = saved[0] * scaled;
    out[1] = d_columns;
    out[2] = saved[2] * share;
    out[3] = saved[3] * share;
    return out;
  }
};

}  // namespace

torch::Tensor PairContrast(const torch::Tensor& rows, const torch::Tensor& columns,
                           const torch::Tensor& scale, const torch::Tensor& bias, PairLoss kind,
                           Collectives& collectives) {
  const bool wants =
      torch::GradMode::is_enabled() && (rows.requires_grad() || columns.requires_grad() ||
                                        scale.requires_grad() || bias.requires_grad());
  return PairContrastFunction::apply(rows, columns, scale, bias, static_cast<int64_t>(kind), wants,
                                     &collectives);
}

}  // namespace ocellus::models::ops
