#include "kernels/contrast.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/log_sum_exp.h"

namespace ocellus::kernels::cpu {
namespace {

constexpr int64_t kColumnsPerTask = 256;

// Logits of a tile, vector by vector.
struct Logits {
  explicit Logits(const ContrastTile& tile)
      : tile(tile), scale(*tile.scale), bias(tile.bias ? *tile.bias : 0.0f) {}

  float* Row(int64_t i) const { return tile.products + i * tile.columns; }
  Vec Of(Vec product) const { return product * scale + bias; }
  float Partner(int64_t i) const { return Row(i)[tile.first + i] * scale + bias; }

  const ContrastTile& tile;
  float scale, bias;
};

// Sixteen columns of all rows of the tile.
void UpdateColumns(const ContrastStatisticsArgs& args, const Logits& logits, int64_t j) {
  const int64_t count = args.tile.columns - j;
  const Vec old = LoadPart(args.column_max + j, count);
  Vec highest = old;
  for (int64_t i = 0; i < args.tile.rows; ++i) {
    highest = Max(highest, logits.Of(LoadPart(logits.Row(i) + j, count)));
  }
  Vec sum = LoadPart(args.column_sum + j, count) * Exp(old - highest);
  for (int64_t i = 0; i < args.tile.rows; ++i) {
    sum += Exp(logits.Of(LoadPart(logits.Row(i) + j, count)) - highest);
  }
  StorePart(args.column_max + j, highest, count);
  StorePart(args.column_sum + j, sum, count);
}

void GradientRow(const ContrastGradientArgs& args, const Logits& logits, int64_t i) {
  float* row = logits.Row(i);
  const int64_t columns = args.tile.columns, partner = args.tile.first + i;
  const float row_lse = args.row_lse[i], own_product = row[partner];
  Vec d_scale{};
  for (int64_t j = 0; j < columns; j += kLanes) {
    const int64_t count = columns - j;
    const Vec product = LoadPart(row + j, count), logit = logits.Of(product);
    Vec d = Exp(logit - row_lse);
    if (args.column_lse) d += Exp(logit - LoadPart(args.column_lse + j, count));
    d_scale += KeepFirst(d * product, count);
    StorePart(row + j, d, count);
  }
  const float own = args.column_lse ? 2.0f : 1.0f;
  row[partner] -= own;
  args.d_scale[i] = Sum(d_scale) - own * own_product;
}

// log(1 + x) for x in [0, 1], as 2 artanh(x / (2 + x)), to 2e-8 of the result.
Vec Log1p(Vec x) {
  const Vec s = x / (x + 2.0f), square = s * s;
  Vec y = square * (1.0f / 15) + 1.0f / 13;
  y = y * square + 1.0f / 11;
  y = y * square + 1.0f / 9;
  y = y * square + 1.0f / 7;
  y = y * square + 1.0f / 5;
  y = y * square + 1.0f / 3;
  y = y * square + 1.0f;
  return 2.0f * s * y;
}

void SigmoidRow(const SigmoidContrastArgs& args, const Logits& logits, int64_t i) {
  float* row = logits.Row(i);
  const int64_t columns = args.tile.columns, partner = args.tile.first + i;
  const float own_product = row[partner], own_logit = logits.Partner(i);
  Vec loss{}, d_scale{}, d_bias{};
  for (int64_t j = 0; j < columns; j += kLanes) {
    const int64_t count = columns - j;
    const Vec product = LoadPart(row + j, count), logit = logits.Of(product);
    const Vec small = Exp(logit < 0.0f ? logit : -logit);  // e^-|logit|
    const Vec positive = logit > 0.0f ? logit : logit != logit ? logit : Vec{};
    const Vec d = (logit < 0.0f ? small : Splat(1.0f)) / (small + 1.0f);
    loss += KeepFirst(positive + Log1p(small), count);
    d_scale += KeepFirst(d * product, count);
    d_bias += KeepFirst(d, count);
    StorePart(row + j, d, count);
  }
  row[partner] -= 1.0f;
  args.loss[i] = Sum(loss) - own_logit;
  args.d_scale[i] = Sum(d_scale) - own_product;
  args.d_bias[i] = Sum(d_bias) - 1.0f;
}

}  // namespace

void ContrastStatistics(const ContrastStatisticsArgs& args, const ParallelFor& parallel) {
  const Logits logits(args.tile);
  ForEachRow(args.tile.rows, parallel, [&](int64_t i) {
    const float* row = logits.Row(i);
    args.row_lse[i] = LogSumExp(args.tile.columns, [&](int64_t j, int64_t count) {
      return logits.Of(LoadPart(row + j, count));
    });
    args.partner[i] = logits.Partner(i);
  });
  if (!args.column_max) return;
  const int64_t columns = args.tile.columns;
  parallel((columns + kColumnsPerTask - 1) / kColumnsPerTask, [&](int64_t task) {
    const int64_t end = std::min((task + 1) * kColumnsPerTask, columns);
    for (int64_t j = task * kColumnsPerTask; j < end; j += kLanes) UpdateColumns(args, logits, j);
  });
}

void ContrastGradient(const ContrastGradientArgs& args, const ParallelFor& parallel) {
  const Logits logits(args.tile);
  ForEachRow(args.tile.rows, parallel, [&](int64_t i) { GradientRow(args, logits, i); });
}

void SigmoidContrast(const SigmoidContrastArgs& args, const ParallelFor& parallel) {
  const Logits logits(args.tile);
  ForEachRow(args.tile.rows, parallel, [&](int64_t i) { SigmoidRow(args, logits, i); });
}

}  // namespace ocellus::kernels::cpu
