#include "kernels/normalise_rows.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/vector.h"

namespace ocellus::kernels::cpu {
namespace {

template <class T>
void ForwardRow(const NormaliseRowsForwardArgs& args, int64_t row) {
  const int64_t width = args.width;
  const T* x = static_cast<const T*>(args.x) + row * width;
  Vec squares{};
  for (int64_t j = 0; j < width; j += kLanes) {
    const Vec value = LoadPart(x + j, width - j);
    squares += value * value;
  }
  const float length = std::sqrt(Sum(squares));
  const float factor = 1.0f / (length < args.eps ? args.eps : length);  // NaN stays
  float* y = args.y + row * width;
  for (int64_t j = 0; j < width; j += kLanes) {
    StorePart(y + j, LoadPart(x + j, width - j) * factor, width - j);
  }
  args.length[row] = length;
}

template <class T>
void BackwardRow(const NormaliseRowsBackwardArgs& args, int64_t row) {
  const int64_t width = args.width;
  const float *y = args.y + row * width, *d_y = args.d_y + row * width;
  const float length = args.length[row];
  const bool clamped = length < args.eps;
  Vec products{};
  for (int64_t j = 0; j < width; j += kLanes) {
    products += LoadPart(y + j, width - j) * LoadPart(d_y + j, width - j);
  }
  const float along = clamped ? 0.0f : Sum(products);
  const float factor = 1.0f / (clamped ? args.eps : length);
  T* d_x = static_cast<T*>(args.d_x) + row * width;
  for (int64_t j = 0; j < width; j += kLanes) {
    const int64_t count = width - j;
    StorePart(d_x + j, (LoadPart(d_y + j, count) - LoadPart(y + j, count) * along) * factor, count);
  }
}

}  // namespace

void NormaliseRowsForward(const NormaliseRowsForwardArgs& args, const ParallelFor& parallel) {
  const bool bf16 = args.type == Element::kBFloat16;
  ForEachRow(args.rows, parallel,
             [&](int64_t i) { bf16 ? ForwardRow<BFloat16>(args, i) : ForwardRow<float>(args, i); });
}

void NormaliseRowsBackward(const NormaliseRowsBackwardArgs& args, const ParallelFor& parallel) {
  const bool bf16 = args.type == Element::kBFloat16;
  ForEachRow(args.rows, parallel, [&](int64_t i) {
    bf16 ? BackwardRow<BFloat16>(args, i) : BackwardRow<float>(args, i);
  });
}

}  // namespace ocellus::kernels::cpu
