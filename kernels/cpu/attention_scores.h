// The softmax of a block of attention scores, and its gradient, from fp32 to the operands of the
// products that come next.
//
// A block is [rows][tokens_16] floats, scores before `scale`; columns from `tokens` on are padding,
// and zero in every operand.
#pragma once

#include <algorithm>

#include "kernels/attention.h"
#include "kernels/cpu/operands.h"

namespace ocellus::kernels::cpu {
namespace {

struct ScoreBlock {
  int64_t rows, tokens, tokens_16;
  float scale;

  // Sixteen values, of which those of the padding become zero.
  Vec Keep(Vec values, int64_t column) const {
    return column + kLanes <= tokens ? values : KeepFirst(values, tokens - column);
  }
};

inline float RowMaximum(const float* row, int64_t tokens) {
  Vec highest = Splat(row[0]);
  int64_t j = 0;
  for (; j + kLanes <= tokens; j += kLanes) highest = Max(highest, Load(row + j));
  float most = MaxLane(highest);
  for (; j < tokens; ++j) most = std::max(most, row[j]);
  return most;
}

// e^(scale s - the row's largest), each row to be multiplied by its `inverse`, which the product's
// result is. `to` has [rows][Units(tokens_16)] and is not used for floats.
template <class Unit>
LeftOperand<Unit> Exponentials(const ScoreBlock& block, float* scores, Unit* to,
                               const SoftmaxRows& softmax) {
  using Element = ElementOf<Unit>;
  auto* elements =
      kPerUnit<Unit> == 1 ? reinterpret_cast<Element*>(scores) : reinterpret_cast<Element*>(to);
  for (int64_t i = 0; i < block.rows; ++i) {
    float* row = scores + i * block.tokens_16;
    Element* out = elements + i * block.tokens_16;
    const float largest = RowMaximum(row, block.tokens) * block.scale;
    Vec sum{};
    for (int64_t j = 0; j < block.tokens_16; j += kLanes) {
      const Vec e = block.Keep(Exp(Load(row + j) * block.scale - largest), j);
      Store(out + j, e);
      sum += e;
    }
    softmax.largest[i] = largest;
    softmax.inverse[i] = 1.0f / Sum(sum);
  }
  return {reinterpret_cast<const Unit*>(elements), Units<Unit>(block.tokens_16), 1};
}

// Left operands: probabilities with the depth over rows, and the gradients of the scores before
// `scale`, with the depth along the row and over rows.
template <class Unit>
struct ScoreGradients {
  LeftOperand<Unit> p_by_column, d_by_row, d_by_column;
};

// Where they are written: `block.rows` rounded up to even by tokens_16 elements each.
template <class Unit>
struct ScoreGradientSpace {
  Unit *p_by_column, *d_by_row, *d_by_column;
};

// Row i of scores becomes probabilities p. Returns sum(p d_p).
inline float Probabilities(const ScoreBlock& block, const SoftmaxRows& softmax, int64_t i,
                           const float* d_p, float* scores) {
  const float largest = softmax.largest[i], inverse = softmax.inverse[i];
  Vec sum{};
  for (int64_t j = 0; j < block.tokens_16; j += kLanes) {
    const Vec e = Exp(Load(scores + j) * block.scale - largest);
    const Vec p = block.Keep(e * inverse, j);
    Store(scores + j, p);
    sum += p * Load(d_p + j);
  }
  return Sum(sum);
}

// scale p (d_p - sum(p d_p)), in place of d_p.
inline void GradientRow(const ScoreBlock& block, float mean, const float* p, float* d_p) {
  for (int64_t j = 0; j < block.tokens_16; j += kLanes) {
    Store(d_p + j, (Load(d_p + j) - mean) * Load(p + j) * block.scale);
  }
}

// The same of two rows, 2 `pair` and the next, rounded, with their probabilities. The second may be
// beyond the block, its p and d_p zero.
inline void GradientPair(const ScoreBlock& block, const float* means, const float* p,
                         const float* d_p, int64_t pair, const ScoreGradientSpace<Bf16Pair>& to) {
  const int64_t columns = block.tokens_16;
  auto* by_row = reinterpret_cast<BFloat16*>(to.d_by_row) + 2 * pair * columns;
  for (int64_t j = 0; j < columns; j += kLanes) {
    const Vec p0 = Load(p + j), p1 = Load(p + columns + j);
    Interleave(Round(p0, p1), to.p_by_column + pair * columns + j);
    const Vec d0 = (Load(d_p + j) - means[0]) * p0 * block.scale;
    const Vec d1 = (Load(d_p + columns + j) - means[1]) * p1 * block.scale;
    Store(by_row + j, d0);
    Store(by_row + columns + j, d1);
    Interleave(Round(d0, d1), to.d_by_column + pair * columns + j);
  }
}

// From scores and the gradients of probabilities, both overwritten and with an even number of rows.
// `softmax` as Exponentials wrote it.
template <class Unit>
ScoreGradients<Unit> SoftmaxGradient(const ScoreBlock& block, const SoftmaxRows& softmax,
                                     float* scores, float* d_p,
                                     const ScoreGradientSpace<Unit>& space) {
  const int64_t columns = block.tokens_16;
  for (int64_t i = 0; i < block.rows; i += 2) {
    float means[2] = {};
    float *p = scores + i * columns, *d = d_p + i * columns;
    for (int64_t r = 0; r < 2; ++r) {
      if (i + r < block.rows) {
        means[r] = Probabilities(block, softmax, i + r, d + r * columns, p + r * columns);
        if constexpr (kPerUnit<Unit> == 1)
          GradientRow(block, means[r], p + r * columns, d + r * columns);
      } else {
        std::fill(p + columns, p + 2 * columns, 0.0f);
        std::fill(d + columns, d + 2 * columns, 0.0f);
      }
    }
    if constexpr (kPerUnit<Unit> == 2) GradientPair(block, means, p, d, i / 2, space);
  }
  if constexpr (kPerUnit<Unit> == 1)
    return {{scores, 1, columns}, {d_p, columns, 1}, {d_p, 1, columns}};
  else
    return {{space.p_by_column, 1, columns},
            {space.d_by_row, columns / 2, 1},
            {space.d_by_column, 1, columns}};
}

}  // namespace
}  // namespace ocellus::kernels::cpu
