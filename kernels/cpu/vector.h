// Sixteen floats as one value, by the compiler's vector extension: one register with AVX-512, two
// with AVX2, four with SSE2. For kernels/cpu alone, whose files may be compiled for the processor
// at hand.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "kernels/element.h"

namespace ocellus::kernels::cpu {
namespace {  // each file has its own copy: files may be compiled with different flags

constexpr int64_t kLanes = 16;

using Vec = float __attribute__((vector_size(64)));
using VecInt = int32_t __attribute__((vector_size(64)));
using VecHalf = uint16_t __attribute__((vector_size(32)));
using VecHalves = uint16_t __attribute__((vector_size(64)));

#ifdef __AVX512F__
// GCC 12 warns of the forms without a mask, whose unused operand is undefined.
constexpr __mmask16 kAllLanes = 0xffff;
#endif

inline Vec Splat(float x) { return x - Vec{}; }

inline Vec Load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline void Store(float* p, Vec v) { std::memcpy(p, &v, sizeof v); }

inline Vec Load(const BFloat16* p) {
  VecHalf half;
  std::memcpy(&half, p, sizeof half);
  return reinterpret_cast<Vec>(__builtin_convertvector(half, VecInt) << 16);
}

// Rounds to nearest, ties to even; NaN stays NaN.
inline VecHalf Round(Vec v) {
#ifdef __AVX512BF16__
  return reinterpret_cast<VecHalf>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(v)));
#else
  const VecInt bits = reinterpret_cast<VecInt>(v);
  const VecInt rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const VecInt quiet_nan = (bits >> 16) | 0x40;
  return __builtin_convertvector(v == v ? rounded : quiet_nan, VecHalf);
#endif
}

inline void Store(BFloat16* p, Vec v) {
  const VecHalf half = Round(v);
  std::memcpy(p, &half, sizeof half);
}

// The first `count` lanes, 0 < count <= kLanes; lanes beyond are zero.
template <class T>
Vec LoadPart(const T* p, int64_t count) {
  if (count >= kLanes) return Load(p);
  T lanes[kLanes] = {};
  std::memcpy(lanes, p, count * sizeof(T));
  return Load(lanes);
}

template <class T>
void StorePart(T* p, Vec v, int64_t count) {
  if (count >= kLanes) return Store(p, v);
  T lanes[kLanes];
  Store(lanes, v);
  std::memcpy(p, lanes, count * sizeof(T));
}

constexpr VecInt kLaneIndex = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// Lanes below `count` as they are, the others zero.
inline Vec KeepFirst(Vec v, int64_t count) {
  return kLaneIndex < static_cast<int32_t>(count) ? v : Vec{};
}

// Lanes below `count` zero, the others as they are.
inline Vec DropFirst(Vec v, int64_t count) {
  return kLaneIndex < static_cast<int32_t>(count) ? Vec{} : v;
}

inline float Sum(Vec v) {
  v += __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  return v[0] + v[1];
}

inline Vec Sqrt(Vec v) {
#ifdef __AVX512F__
  return reinterpret_cast<Vec>(_mm512_maskz_sqrt_ps(kAllLanes, reinterpret_cast<__m512>(v)));
#else
  __m128 quarters[4];
  std::memcpy(quarters, &v, sizeof v);
  for (__m128& quarter : quarters) quarter = _mm_sqrt_ps(quarter);
  std::memcpy(&v, quarters, sizeof v);
  return v;
#endif
}

// NaN in `b` is kept.
inline Vec Max(Vec a, Vec b) {
#ifdef __AVX512F__
  return reinterpret_cast<Vec>(
      _mm512_maskz_max_ps(kAllLanes, reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b)));
#else
  return a > b ? a : b;
#endif
}

inline Vec Min(Vec a, Vec b) {
#ifdef __AVX512F__
  return reinterpret_cast<Vec>(
      _mm512_maskz_min_ps(kAllLanes, reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b)));
#else
  return a < b ? a : b;
#endif
}

inline float MaxLane(Vec v) {
  v = Max(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  v = Max(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  v = Max(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
  return v[0] > v[1] ? v[0] : v[1];
}

inline Vec Abs(Vec v) { return reinterpret_cast<Vec>(reinterpret_cast<VecInt>(v) & 0x7fffffff); }

// e^x to 2 units in the last place for x in [-87, 88]; NaN stays NaN. Cody-Waite reduction and
// Cephes' polynomial of degree 6.
inline Vec ExpWithin(Vec x) {
  const Vec shifted = x * 1.44269504f + 12582912.0f;  // 1.5 * 2^23: the low bits hold the integer
  const Vec n = shifted - 12582912.0f;
  const Vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vec y = r * 1.9875691500e-4f + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = y * (r * r) + r + 1.0f;
  // The integer's low bits alone survive the shift, as the exponent of a power of two.
  return y * reinterpret_cast<Vec>((reinterpret_cast<VecInt>(shifted) + 127) << 23);
}

// The same for any x: zero below -87, rather than subnormal numbers, which are slow; e^88 above.
inline Vec Exp(Vec exponent) {
  const Vec result = ExpWithin(Min(Splat(88.0f), Max(Splat(-87.0f), exponent)));
  return exponent < -87.0f ? Vec{} : result;
}

}  // namespace
}  // namespace ocellus::kernels::cpu
