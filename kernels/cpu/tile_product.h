// Matrix products in registers, for operands in the processor's caches.
//
// Operands are made of units: a float, or a pair of bf16 that are neighbours along the depth (the
// operand of AVX512-BF16's dot product, twice the speed of floats). A[row, depth] has any strides;
// B is [depth, columns] with dense rows, columns a multiple of kLanes. Sums are fp32; where they
// begin and go is the business of the output, a class like FloatOutput.
#pragma once

#include "kernels/cpu/vector.h"

namespace ocellus::kernels::cpu {
namespace {

struct Bf16Pair {
  BFloat16 low, high;
};

#ifdef __AVX512BF16__
inline __m512bh Broadcast(const Bf16Pair* a) {
  int32_t pair;
  std::memcpy(&pair, a, sizeof pair);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
}

inline void MultiplyAdd(Vec& sum, __m512bh a, __m512bh b) {
  sum = reinterpret_cast<Vec>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(sum), a, b));
}

inline __m512bh LoadUnits(const Bf16Pair* b) {
  return reinterpret_cast<__m512bh>(_mm512_loadu_si512(b));
}
#else
struct VecPairs {
  Vec low, high;
};

inline VecPairs SplitPairs(VecInt pairs) {
  constexpr int32_t kHigh = ~0xffff;
  return {reinterpret_cast<Vec>(pairs << 16), reinterpret_cast<Vec>(pairs & kHigh)};
}

inline VecPairs Broadcast(const Bf16Pair* a) {
  int32_t pair;
  std::memcpy(&pair, a, sizeof pair);
  return SplitPairs(pair - VecInt{});
}

inline void MultiplyAdd(Vec& sum, const VecPairs& a, const VecPairs& b) {
  sum += a.low * b.low;
  sum += a.high * b.high;
}

inline VecPairs LoadUnits(const Bf16Pair* b) {
  VecInt pairs;
  std::memcpy(&pairs, b, sizeof pairs);
  return SplitPairs(pairs);
}
#endif

inline Vec Broadcast(const float* a) { return Splat(*a); }
inline Vec LoadUnits(const float* b) { return Load(b); }
inline void MultiplyAdd(Vec& sum, Vec a, Vec b) { sum += a * b; }

template <class Unit>
struct LeftOperand {
  const Unit* data;
  int64_t row_stride;
  int64_t depth_stride;
};

template <class Unit>
struct RightOperand {
  const Unit* data;
  int64_t stride;  // from one depth to the next
};

// C = A B, or C += A B.
struct FloatOutput {
  float* data;
  int64_t stride;
  bool accumulate;

  // What sums of row r and vector v start with, and where they go.
  Vec First(int r, int v) const {
    return accumulate ? Load(data + r * stride + v * kLanes) : Vec{};
  }
  void Put(int r, int v, Vec sum) const { Store(data + r * stride + v * kLanes, sum); }

  void MoveDown(int64_t rows) { data += rows * stride; }
  void MoveRight(int64_t columns) { data += columns; }
};

// kRows x (kVecs * kLanes) of C, held in registers over the whole depth. Inlined, since operands
// that pass through the stack are read there when all stores before have gone to memory: C's too.
template <int kRows, int kVecs, class Unit, class Output>
[[gnu::always_inline]] inline void Tile(LeftOperand<Unit> a, RightOperand<Unit> b, int64_t depth,
                                        Output c) {
  Vec sum[kRows][kVecs];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) sum[r][v] = c.First(r, v);
  }
  for (int64_t k = 0; k < depth; ++k) {
    decltype(LoadUnits(b.data)) right[kVecs];
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) right[v] = LoadUnits(b.data + k * b.stride + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const auto left = Broadcast(a.data + r * a.row_stride + k * a.depth_stride);
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) MultiplyAdd(sum[r][v], left, right[v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) c.Put(r, v, sum[r][v]);
  }
}

// The last rows, fewer than kRows + 1.
template <int kRows, int kVecs, class Unit, class Output>
void LastRows(int64_t rows, LeftOperand<Unit> a, RightOperand<Unit> b, int64_t depth,
              const Output& c) {
  if constexpr (kRows > 0) {
    if (rows == kRows) return Tile<kRows, kVecs>(a, b, depth, c);
    LastRows<kRows - 1, kVecs>(rows, a, b, depth, c);
  }
}

// All rows of kVecs * kLanes columns, in tiles of about 24 registers. Not inlined, which leaves the
// inner loop all the registers that it needs.
template <int kVecs, class Unit, class Output>
[[gnu::noinline]] void Panel(int64_t rows, LeftOperand<Unit> a, RightOperand<Unit> b, int64_t depth,
                             Output c) {
  constexpr int kRows = 24 / kVecs < 12 ? 24 / kVecs : 12;
  for (; rows >= kRows; rows -= kRows) {
    Tile<kRows, kVecs>(a, b, depth, c);
    a.data += kRows * a.row_stride;
    c.MoveDown(kRows);
  }
  LastRows<kRows - 1, kVecs>(rows, a, b, depth, c);
}

// A B into an output. `columns` is a multiple of kLanes.
template <class Unit, class Output>
void Product(int64_t rows, int64_t columns, int64_t depth, LeftOperand<Unit> a,
             RightOperand<Unit> b, Output c) {
  int64_t vecs = columns / kLanes;
  while (vecs > 0) {
    const int64_t width = vecs >= 4 && vecs != 5 ? 4 : vecs >= 3 ? 3 : vecs;
    if (width == 4) Panel<4>(rows, a, b, depth, c);
    if (width == 3) Panel<3>(rows, a, b, depth, c);
    if (width == 2) Panel<2>(rows, a, b, depth, c);
    if (width == 1) Panel<1>(rows, a, b, depth, c);
    b.data += width * kLanes;
    c.MoveRight(width * kLanes);
    vecs -= width;
  }
}

}  // namespace
}  // namespace ocellus::kernels::cpu
