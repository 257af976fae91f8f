// Tiles of products for the contrastive passes' tests, and what the passes write.
#pragma once

#include <limits>

#include "kernels/contrast.h"
#include "tests/kernels/arrays.h"

namespace ocellus::kernels {

// `rows` rows of a tile; two tiles one after the other give the columns' statistics.
struct ContrastCase {
  ContrastCase(int64_t rows, int64_t columns, int64_t first, float scale, bool biased,
               uint64_t seed)
      : rows(rows),
        columns(columns),
        first(first),
        biased(biased),
        products(Array::Normal(rows * columns, seed)),
        numbers(2),
        row_lse(rows),
        partner(rows),
        column_max(columns),
        column_sum(columns),
        d_scale(rows),
        d_bias(rows),
        loss(rows) {
    numbers.Set(0, scale);
    numbers.Set(1, -3.0f);
    for (int64_t j = 0; j < columns; ++j) {
      column_max.Set(j, -std::numeric_limits<float>::infinity());
      column_sum.Set(j, 0);
    }
  }

  double Logit(int64_t i, int64_t j) const {
    return double{numbers.At(0)} * products.At(i * columns + j) + (biased ? numbers.At(1) : 0.0f);
  }

  ContrastTile Tile() {
    return {rows,
            columns,
            first,
            products.floats(),
            numbers.floats(),
            biased ? numbers.floats() + 1 : nullptr};
  }
  ContrastStatisticsArgs Statistics(bool by_column) {
    return {Tile(), row_lse.floats(), partner.floats(), by_column ? column_max.floats() : nullptr,
            by_column ? column_sum.floats() : nullptr};
  }
  // column_sum then holds the columns' log-sum-exp.
  ContrastGradientArgs Gradient(bool by_column) {
    return {Tile(), row_lse.floats(), by_column ? column_sum.floats() : nullptr, d_scale.floats()};
  }
  SigmoidContrastArgs Sigmoid() {
    return {Tile(), loss.floats(), d_scale.floats(), d_bias.floats()};
  }

  int64_t rows, columns, first;
  bool biased;
  Array products, numbers, row_lse, partner, column_max, column_sum, d_scale, d_bias, loss;
};

}  // namespace ocellus::kernels
