#include "kernels/gelu.h"

#include <algorithm>

#include "kernels/cpu/partial_sums.h"

namespace ocellus::kernels::cpu {
namespace {

struct Normal {
  Vec below;    // Phi(x), the share of a standard normal distribution below x
  Vec density;  // its derivative
};

// Phi(-|x|) = e^(-x^2/2) q(t), t = 1 / (1 + 0.375 |x| / sqrt 2); q is the polynomial of degree 9
// that is nearest to it in relative error (1.2e-8 for |x| < 13).
inline Normal StandardNormal(Vec x) {
  const Vec magnitude = Abs(x);
  // Beyond 12.6 the tail stays as small as it is there: products with a smaller one would be
  // subnormal, which is slow.
  const Vec exponential = ExpWithin(Max(Splat(-80.0f), x * x * -0.5f));
  const Vec t = 1.0f / (magnitude * 0.265165043f + 1.0f);
  Vec q = t * 3.084831295e-02f - 1.440377168e-01f;
  q = q * t + 2.169469443e-01f;
  q = q * t - 1.155382751e-01f;
  q = q * t + 1.374221060e-01f;
  q = q * t + 6.051946040e-02f;
  q = q * t + 1.027152172e-01f;
  q = q * t + 1.053167488e-01f;
  q = q * t + 1.058072077e-01f;
  const Vec tail = q * t * exponential;
  return {x < 0.0f ? tail : 1.0f - tail, exponential * 0.398942280f};
}

template <class T>
void Forward(const GeluForwardArgs& args, const ParallelFor& parallel) {
  const int64_t parts = PartCount(args.rows);
  const T* z = static_cast<const T*>(args.z);
  T* y = static_cast<T*>(args.y);
  parallel(parts, [&](int64_t p) {
    const int64_t end = PartBegin(args.rows, parts, p + 1) * args.width;
    for (int64_t i = PartBegin(args.rows, parts, p) * args.width; i < end; i += kLanes) {
      const Vec x = LoadPart(z + i, end - i);
      StorePart(y + i, x * StandardNormal(x).below, end - i);
    }
  });
}

template <class T>
void BackwardRow(const T* z, const T* d_y, T* d_z, float* d_bias, int64_t width) {
  for (int64_t j = 0; j < width; j += kLanes) {
    const int64_t count = width - j;
    const Vec x = LoadPart(z + j, count);
    const Normal normal = StandardNormal(x);
    const Vec gradient = LoadPart(d_y + j, count) * (normal.below + x * normal.density);
    StorePart(d_z + j, gradient, count);
    StorePart(d_bias + j, LoadPart(d_bias + j, count) + gradient, count);
  }
}

template <class T>
void Backward(const GeluBackwardArgs& args, const ParallelFor& parallel) {
  const int64_t parts = PartCount(args.rows), width = args.width;
  const T* z = static_cast<const T*>(args.z);
  const T* d_y = static_cast<const T*>(args.d_y);
  T* d_z = static_cast<T*>(args.d_z);
  parallel(parts, [&](int64_t p) {
    float* d_bias = args.scratch + p * width;
    std::fill(d_bias, d_bias + width, 0.0f);
    const int64_t end = PartBegin(args.rows, parts, p + 1);
    for (int64_t i = PartBegin(args.rows, parts, p); i < end; ++i) {
      BackwardRow(z + i * width, d_y + i * width, d_z + i * width, d_bias, width);
    }
  });
  AddParts(args.scratch, parts, width, width, args.d_bias);
}

}  // namespace

void GeluForward(const GeluForwardArgs& args, const ParallelFor& parallel) {
  if (args.type == Element::kBFloat16) return Forward<BFloat16>(args, parallel);
  Forward<float>(args, parallel);
}

void GeluBackward(const GeluBackwardArgs& args, const ParallelFor& parallel) {
  if (args.type == Element::kBFloat16) return Backward<BFloat16>(args, parallel);
  Backward<float>(args, parallel);
}

}  // namespace ocellus::kernels::cpu
