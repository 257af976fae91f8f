#include "kernels/add_layer_norm.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/partial_sums.h"

namespace ocellus::kernels::cpu {
namespace {

// Writes the row of sums, or returns `residual` when there is no branch.
template <class Branch>
const float* SumRow(const AddLayerNormForwardArgs& args, int64_t row) {
  const int64_t width = args.width, at = row * width;
  if (!args.branch) return args.residual + at;
  const Branch* branch = static_cast<const Branch*>(args.branch) + at;
  for (int64_t j = 0; j < width; j += kLanes) {
    const int64_t count = width - j;
    StorePart(args.sum + at + j,
              LoadPart(args.residual + at + j, count) + LoadPart(branch + j, count), count);
  }
  return args.sum + at;
}

// Mean first, then squared deviations: no cancellation for rows far from zero.
void Statistics(const float* x, int64_t width, float eps, float* mean, float* rstd) {
  Vec sum{};
  for (int64_t j = 0; j < width; j += kLanes) sum += LoadPart(x + j, width - j);
  *mean = Sum(sum) / static_cast<float>(width);
  Vec squares{};
  for (int64_t j = 0; j < width; j += kLanes) {
    const Vec centred = KeepFirst(LoadPart(x + j, width - j) - *mean, width - j);
    squares += centred * centred;
  }
  *rstd = 1.0f / std::sqrt(Sum(squares) / static_cast<float>(width) + eps);
}

template <class Branch, class Out>
void ForwardRow(const AddLayerNormForwardArgs& args, int64_t row) {
  const int64_t width = args.width;
  const float* x = SumRow<Branch>(args, row);
  float mean, rstd;
  Statistics(x, width, args.eps, &mean, &rstd);
  Out* out = static_cast<Out*>(args.out) + row * width;
  for (int64_t j = 0; j < width; j += kLanes) {
    const int64_t count = width - j;
    const Vec normed = (LoadPart(x + j, count) - mean) * rstd;
    StorePart(out + j, normed * LoadPart(args.weight + j, count) + LoadPart(args.bias + j, count),
              count);
  }
  args.mean[row] = mean;
  args.rstd[row] = rstd;
}

template <class Branch, class Out>
void Forward(const AddLayerNormForwardArgs& args, const ParallelFor& parallel) {
  const int64_t parts = PartCount(args.rows);
  parallel(parts, [&](int64_t p) {
    const int64_t end = PartBegin(args.rows, parts, p + 1);
    for (int64_t i = PartBegin(args.rows, parts, p); i < end; ++i) ForwardRow<Branch, Out>(args, i);
  });
}

// With g = d_out * weight and x^ = (sum - mean) * rstd:
// d_total = d_sum + rstd (g - mean(g) - x^ mean(g x^)).
template <class Out>
void BackwardRow(const AddLayerNormBackwardArgs& args, int64_t row, float* d_weight,
                 float* d_bias) {
  const int64_t width = args.width, at = row * width;
  const Out* d_out = static_cast<const Out*>(args.d_out) + at;
  const float mean = args.mean[row], rstd = args.rstd[row];
  Vec sum_g{}, sum_gx{};
  for (int64_t j = 0; j < width; j += kLanes) {
    const int64_t count = width - j;
    const Vec dy = LoadPart(d_out + j, count);
    const Vec normed = (LoadPart(args.sum + at + j, count) - mean) * rstd;
    const Vec g = dy * LoadPart(args.weight + j, count);
    sum_g += g;
    sum_gx += g * normed;
    StorePart(d_weight + j, LoadPart(d_weight + j, count) + dy * normed, count);
    StorePart(d_bias + j, LoadPart(d_bias + j, count) + dy, count);
  }
  const float mean_g = Sum(sum_g) / static_cast<float>(width);
  const float mean_gx = Sum(sum_gx) / static_cast<float>(width);
  BFloat16* d_branch = static_cast<BFloat16*>(args.d_branch);
  for (int64_t j = 0; j < width; j += kLanes) {
    const int64_t count = width - j;
    const Vec normed = (LoadPart(args.sum + at + j, count) - mean) * rstd;
    const Vec g = LoadPart(d_out + j, count) * LoadPart(args.weight + j, count);
    Vec total = (g - mean_g - normed * mean_gx) * rstd;
    if (args.d_sum) total += LoadPart(args.d_sum + at + j, count);
    StorePart(args.d_total + at + j, total, count);
    if (d_branch) StorePart(d_branch + at + j, total, count);
  }
}

template <class Out>
void Backward(const AddLayerNormBackwardArgs& args, const ParallelFor& parallel) {
  const int64_t parts = PartCount(args.rows), width = args.width;
  parallel(parts, [&](int64_t p) {
    float* partial = args.scratch + p * 2 * width;
    std::fill(partial, partial + 2 * width, 0.0f);
    const int64_t end = PartBegin(args.rows, parts, p + 1);
    for (int64_t i = PartBegin(args.rows, parts, p); i < end; ++i) {
      BackwardRow<Out>(args, i, partial, partial + width);
    }
  });
  AddParts(args.scratch, parts, 2 * width, width, args.d_weight);
  AddParts(args.scratch + width, parts, 2 * width, width, args.d_bias);
}

}  // namespace

void AddLayerNormForward(const AddLayerNormForwardArgs& args, const ParallelFor& parallel) {
  const bool branch = args.branch_type == Element::kBFloat16;
  const bool out = args.out_type == Element::kBFloat16;
  if (branch && out) return Forward<BFloat16, BFloat16>(args, parallel);
  if (branch) return Forward<BFloat16, float>(args, parallel);
  if (out) return Forward<float, BFloat16>(args, parallel);
  Forward<float, float>(args, parallel);
}

void AddLayerNormBackward(const AddLayerNormBackwardArgs& args, const ParallelFor& parallel) {
  if (args.out_type == Element::kBFloat16) return Backward<BFloat16>(args, parallel);
  Backward<float>(args, parallel);
}

}  // namespace ocellus::kernels::cpu
