#include "kernels/column_sum.h"

#include <algorithm>

#include "kernels/cpu/partial_sums.h"

namespace ocellus::kernels::cpu {
namespace {

template <class T>
void SumRows(const T* x, int64_t rows, int64_t width, float* out) {
  std::fill(out, out + width, 0.0f);
  for (int64_t i = 0; i < rows; ++i) {
    const T* row = x + i * width;
    for (int64_t j = 0; j < width; j += kLanes) {
      const int64_t count = width - j;
      StorePart(out + j, LoadPart(out + j, count) + LoadPart(row + j, count), count);
    }
  }
}

template <class T>
void Run(const ColumnSumArgs& args, const ParallelFor& parallel) {
  const int64_t parts = PartCount(args.rows);
  const T* x = static_cast<const T*>(args.x);
  parallel(parts, [&](int64_t p) {
    const int64_t begin = PartBegin(args.rows, parts, p);
    const int64_t end = PartBegin(args.rows, parts, p + 1);
    SumRows(x + begin * args.width, end - begin, args.width, args.scratch + p * args.width);
  });
  AddParts(args.scratch, parts, args.width, args.width, args.out);
}

}  // namespace

void ColumnSum(const ColumnSumArgs& args, const ParallelFor& parallel) {
  if (args.type == Element::kBFloat16) return Run<BFloat16>(args, parallel);
  Run<float>(args, parallel);
}

}  // namespace ocellus::kernels::cpu
