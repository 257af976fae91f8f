// Turns rows of numbers (a head's queries, keys and values, a linear layer's weights) into the
// operands of tile_product.h.
//
// Shapes: `tokens` rows of `width` elements; kLanes-padded sizes carry an underscore 16.
// All padding is zero.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/cpu/matrix_units.h"
#include "kernels/cpu/tile_product.h"

namespace ocellus::kernels::cpu {
namespace {

// What elements of type T are multiplied as.
#if defined(__AVX512BF16__) || defined(OCELLUS_MATRIX_UNITS)
template <class T>
using UnitOf = std::conditional_t<std::is_same_v<T, BFloat16>, Bf16Pair, float>;
#else
template <class T>
using UnitOf = float;
#endif

template <class Unit>
constexpr int64_t kPerUnit = std::is_same_v<Unit, Bf16Pair> ? 2 : 1;

// Units for `elements` along the depth.
template <class Unit>
constexpr int64_t Units(int64_t elements) {
  return (elements + kPerUnit<Unit> - 1) / kPerUnit<Unit>;
}

constexpr int64_t RoundUp16(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

// Rows within a larger tensor.
template <class T>
struct OperandRows {
  const T* data;
  int64_t stride;
  int64_t width;

  OperandRows From(int64_t token) const { return {data + token * stride, stride, width}; }
};

template <class Unit>
using ElementOf = std::conditional_t<std::is_same_v<Unit, Bf16Pair>, BFloat16, float>;

// Left operand, depth along the row: [tokens][Units(width_16)].
template <class Unit, class T>
LeftOperand<Unit> PackRows(OperandRows<T> rows, int64_t tokens, Unit* to) {
  const int64_t width_16 = RoundUp16(rows.width);
  auto* elements = reinterpret_cast<ElementOf<Unit>*>(to);
  for (int64_t i = 0; i < tokens; ++i) {
    for (int64_t j = 0; j < rows.width; j += kLanes) {
      const Vec v = LoadPart(rows.data + i * rows.stride + j, rows.width - j);
      Store(elements + i * width_16 + j, v);
    }
  }
  const int64_t stride = Units<Unit>(width_16);
  return {to, stride, 1};
}

// The same, in place where the rows are such an operand already.
template <class Unit, class T>
LeftOperand<Unit> LeftRows(OperandRows<T> rows, int64_t tokens, Unit* to) {
  const bool fits = std::is_same_v<T, ElementOf<Unit>> && rows.width % kLanes == 0 &&
                    rows.stride % kPerUnit<Unit> == 0;
  if (!fits) return PackRows(rows, tokens, to);
  return {reinterpret_cast<const Unit*>(rows.data), rows.stride / kPerUnit<Unit>, 1};
}

// Transposes a 16 x 16 block of 32-bit units.
inline void Transpose16(const Vec* in, float* to, int64_t stride) {
  Vec a[16], b[16];
  for (int i = 0; i < 16; i += 2) {
    a[i] = __builtin_shufflevector(in[i], in[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12,
                                   28, 13, 29);
    a[i + 1] = __builtin_shufflevector(in[i], in[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27,
                                       14, 30, 15, 31);
  }
  for (int i = 0; i < 16; i += 4) {
    for (int h = 0; h < 2; ++h) {
      const Vec x = a[i + h], y = a[i + h + 2];
      b[i + 2 * h] =
          __builtin_shufflevector(x, y, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
      b[i + 2 * h + 1] =
          __builtin_shufflevector(x, y, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
  }
  // b[4 g + r] has, in its q-th quarter, column 4 q + r of rows 4 g ... 4 g + 3.
  for (int r = 0; r < 4; ++r) {
    const Vec even01 = __builtin_shufflevector(b[r], b[4 + r], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10,
                                               11, 24, 25, 26, 27);
    const Vec odd01 = __builtin_shufflevector(b[r], b[4 + r], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13,
                                              14, 15, 28, 29, 30, 31);
    const Vec even23 = __builtin_shufflevector(b[8 + r], b[12 + r], 0, 1, 2, 3, 16, 17, 18, 19, 8,
                                               9, 10, 11, 24, 25, 26, 27);
    const Vec odd23 = __builtin_shufflevector(b[8 + r], b[12 + r], 4, 5, 6, 7, 20, 21, 22, 23, 12,
                                              13, 14, 15, 28, 29, 30, 31);
    Store(to + r * stride, __builtin_shufflevector(even01, even23, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17,
                                                   18, 19, 20, 21, 22, 23));
    Store(to + (4 + r) * stride, __builtin_shufflevector(odd01, odd23, 0, 1, 2, 3, 4, 5, 6, 7, 16,
                                                         17, 18, 19, 20, 21, 22, 23));
    Store(to + (8 + r) * stride, __builtin_shufflevector(even01, even23, 8, 9, 10, 11, 12, 13, 14,
                                                         15, 24, 25, 26, 27, 28, 29, 30, 31));
    Store(to + (12 + r) * stride, __builtin_shufflevector(odd01, odd23, 8, 9, 10, 11, 12, 13, 14,
                                                          15, 24, 25, 26, 27, 28, 29, 30, 31));
  }
}

// Thirty-two neighbours of a row, as sixteen pairs.
inline Vec LoadPairs(const BFloat16* p) {
  Vec pairs;
  std::memcpy(&pairs, p, sizeof pairs);
  return pairs;
}

// Thirty-two numbers as bf16.
inline VecHalves Round(Vec low, Vec high) {
#ifdef __AVX512BF16__
  return reinterpret_cast<VecHalves>(
      _mm512_cvtne2ps_pbh(reinterpret_cast<__m512>(high), reinterpret_cast<__m512>(low)));
#else
  return __builtin_shufflevector(Round(low), Round(high), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
                                 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
                                 30, 31);
#endif
}

inline Vec LoadPairs(const float* p) {
  return reinterpret_cast<Vec>(Round(Load(p), Load(p + kLanes)));
}

// Sixteen units of a row, starting at element j; zero beyond its width.
template <class Unit, class T>
Vec LoadRowUnits(OperandRows<T> rows, int64_t token, int64_t j) {
  const T* row = rows.data + token * rows.stride;
  if (kPerUnit<Unit> == 2 && j + 2 * kLanes <= rows.width) return LoadPairs(row + j);
  ElementOf<Unit> lanes[kLanes * kPerUnit<Unit>] = {};
  for (int64_t part = 0; part < kPerUnit<Unit>; ++part) {
    const int64_t at = j + part * kLanes;
    if (at < rows.width) Store(lanes + part * kLanes, LoadPart(row + at, rows.width - at));
  }
  Vec units;
  std::memcpy(&units, lanes, sizeof units);
  return units;
}

// Sixteen units, from element j on, of rows token ... token + 15; zero where there are none.
template <class Unit, class T>
void LoadBlock(OperandRows<T> rows, int64_t tokens, int64_t token, int64_t j, Vec* block) {
  const T* corner = rows.data + token * rows.stride + j;
  if (token + kLanes <= tokens && j + kLanes * kPerUnit<Unit> <= rows.width) {
#pragma GCC unroll 16
    for (int64_t r = 0; r < kLanes; ++r) {
      if constexpr (kPerUnit<Unit> == 2) {
        block[r] = LoadPairs(corner + r * rows.stride);
      } else {
        block[r] = Load(corner + r * rows.stride);
      }
    }
    return;
  }
  for (int64_t r = 0; r < kLanes; ++r) {
    block[r] = token + r < tokens ? LoadRowUnits<Unit>(rows, token + r, j) : Vec{};
  }
}

// Right operand, depth along the row: [Units(width_16) rounded up to 16][tokens_16].
template <class Unit, class T>
RightOperand<Unit> PackTransposed(OperandRows<T> rows, int64_t tokens, Unit* to) {
  const int64_t tokens_16 = RoundUp16(tokens), depth = Units<Unit>(RoundUp16(rows.width));
  for (int64_t k = 0; k < depth; k += kLanes) {
    for (int64_t i = 0; i < tokens; i += kLanes) {
      Vec block[kLanes];
      LoadBlock<Unit>(rows, tokens, i, k * kPerUnit<Unit>, block);
      Transpose16(block, reinterpret_cast<float*>(to + k * tokens_16 + i), tokens_16);
    }
  }
  return {to, tokens_16};
}

inline VecHalf LoadHalves(const BFloat16* p) {
  VecHalf halves;
  std::memcpy(&halves, p, sizeof halves);
  return halves;
}

// The first `count` numbers as bf16, zero beyond.
template <class T>
VecHalf LoadHalves(const T* p, int64_t count) {
  return Round(LoadPart(p, count));
}

// Two rows of sixteen as one of pairs; both rows in one.
inline void Interleave(VecHalves rows, Bf16Pair* to) {
  const VecHalves pairs =
      __builtin_shufflevector(rows, rows, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8,
                              24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  std::memcpy(to, &pairs, sizeof pairs);
}

inline void Interleave(VecHalf low, VecHalf high, Bf16Pair* to) {
  const VecHalves pairs =
      __builtin_shufflevector(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8,
                              24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  std::memcpy(to, &pairs, sizeof pairs);
}

// Two whole rows of `width` columns, a multiple of kLanes.
inline void InterleaveRows(const float* low, const float* high, int64_t width, Bf16Pair* to) {
  for (int64_t j = 0; j < width; j += kLanes) {
    Interleave(Round(Load(low + j), Load(high + j)), to + j);
  }
}

inline void InterleaveRows(const BFloat16* low, const BFloat16* high, int64_t width, Bf16Pair* to) {
  int64_t j = 0;
  for (; j + 2 * kLanes <= width; j += 2 * kLanes) {
    VecHalves a, b;
    std::memcpy(&a, low + j, sizeof a);
    std::memcpy(&b, high + j, sizeof b);
    const VecHalves left =
        __builtin_shufflevector(a, b, 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 8, 40,
                                9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47);
    const VecHalves right =
        __builtin_shufflevector(a, b, 16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23,
                                55, 24, 56, 25, 57, 26, 58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63);
    std::memcpy(to + j, &left, sizeof left);
    std::memcpy(to + j + kLanes, &right, sizeof right);
  }
  if (j < width) Interleave(LoadHalves(low + j), LoadHalves(high + j), to + j);
}

// Right operand, depth over tokens: [Units(tokens)][width_16].
template <class Unit, class T>
RightOperand<Unit> PackPaired(OperandRows<T> rows, int64_t tokens, Unit* to) {
  const int64_t width_16 = RoundUp16(rows.width);
  for (int64_t i = 0; i < tokens; i += kPerUnit<Unit>) {
    const T* low = rows.data + i * rows.stride;
    Unit* at = to + i / kPerUnit<Unit> * width_16;
    if constexpr (kPerUnit<Unit> == 2) {
      const bool last = i + 1 == tokens;
      if (!last && rows.width == width_16) {
        InterleaveRows(low, low + rows.stride, width_16, at);
        continue;
      }
      for (int64_t j = 0; j < rows.width; j += kLanes) {
        const int64_t count = rows.width - j;
        Interleave(LoadHalves(low + j, count),
                   last ? VecHalf{} : LoadHalves(low + rows.stride + j, count), at + j);
      }
    } else {
      for (int64_t j = 0; j < rows.width; j += kLanes) {
        Store(at + j, LoadPart(low + j, rows.width - j));
      }
    }
  }
  return {to, width_16};
}

}  // namespace
}  // namespace ocellus::kernels::cpu
