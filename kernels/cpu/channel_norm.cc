#include "kernels/channel_norm.h"

#include <algorithm>

#include "kernels/cpu/partial_sums.h"

namespace ocellus::kernels::cpu {
namespace {

struct Rows {
  int64_t begin, end;
  float count() const { return static_cast<float>(end - begin); }
};

Rows PartOf(int64_t rows, int64_t p) {
  const int64_t parts = PartCount(rows);
  return {PartBegin(rows, parts, p), PartBegin(rows, parts, p + 1)};
}

// Of a part's rows: mean, and the sum of squared deviations from it.
template <class T>
void PartMoments(const T* x, int64_t channels, const Rows& rows, float* mean, float* squares) {
  for (int64_t j = 0; j < channels; j += kLanes) {
    const int64_t count = channels - j;
    Vec sum{}, deviations{};
    for (int64_t i = rows.begin; i < rows.end; ++i) sum += LoadPart(x + i * channels + j, count);
    const Vec centre = sum / rows.count();
    for (int64_t i = rows.begin; i < rows.end; ++i) {
      const Vec deviation = LoadPart(x + i * channels + j, count) - centre;
      deviations += deviation * deviation;
    }
    StorePart(mean + j, centre, count);
    StorePart(squares + j, deviations, count);
  }
}

void JoinMoments(const ChannelMomentsArgs& args, int64_t j) {
  const int64_t channels = args.shape.channels, count = channels - j, rows = args.shape.rows;
  const int64_t parts = PartCount(rows);
  const auto total = static_cast<float>(rows);
  Vec mean{}, squares{};
  for (int64_t p = 0; p < parts; ++p) {
    const float share = PartOf(rows, p).count() / total;
    mean += LoadPart(args.scratch + 2 * p * channels + j, count) * share;
  }
  for (int64_t p = 0; p < parts; ++p) {
    const float* part = args.scratch + 2 * p * channels + j;
    const Vec offset = LoadPart(part, count) - mean;
    squares += LoadPart(part + channels, count) + offset * offset * PartOf(rows, p).count();
  }
  StorePart(args.mean + j, mean, count);
  StorePart(args.variance + j, squares / total, count);
}

template <class T>
void Moments(const ChannelMomentsArgs& args, const ParallelFor& parallel) {
  const int64_t channels = args.shape.channels;
  parallel(PartCount(args.shape.rows), [&](int64_t p) {
    float* mean = args.scratch + 2 * p * channels;
    PartMoments(static_cast<const T*>(args.x), channels, PartOf(args.shape.rows, p), mean,
                mean + channels);
  });
  for (int64_t j = 0; j < channels; j += kLanes) JoinMoments(args, j);
}

template <class T>
void Affine(const ChannelAffineArgs& args, const ParallelFor& parallel) {
  const int64_t channels = args.shape.channels;
  parallel(PartCount(args.shape.rows), [&](int64_t p) {
    const Rows rows = PartOf(args.shape.rows, p);
    for (int64_t i = rows.begin; i < rows.end; ++i) {
      const T* x = static_cast<const T*>(args.x) + i * channels;
      T* y = static_cast<T*>(args.y) + i * channels;
      for (int64_t j = 0; j < channels; j += kLanes) {
        const int64_t count = channels - j;
        StorePart(y + j,
                  LoadPart(x + j, count) * LoadPart(args.scale + j, count) +
                      LoadPart(args.shift + j, count),
                  count);
      }
    }
  });
}

template <class T>
void GradientSums(const ChannelGradientSumsArgs& args, const ParallelFor& parallel) {
  const int64_t channels = args.shape.channels, parts = PartCount(args.shape.rows);
  const T *x = static_cast<const T*>(args.x), *d_y = static_cast<const T*>(args.d_y);
  parallel(parts, [&](int64_t p) {
    const Rows rows = PartOf(args.shape.rows, p);
    float* sums = args.scratch + 2 * p * channels;
    for (int64_t j = 0; j < channels; j += kLanes) {
      const int64_t count = channels - j;
      const Vec mean = LoadPart(args.mean + j, count), rstd = LoadPart(args.rstd + j, count);
      Vec sum{}, sum_x{};
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        const Vec gradient = LoadPart(d_y + i * channels + j, count);
        sum += gradient;
        sum_x += gradient * ((LoadPart(x + i * channels + j, count) - mean) * rstd);
      }
      StorePart(sums + j, sum, count);
      StorePart(sums + channels + j, sum_x, count);
    }
  });
  AddParts(args.scratch, parts, 2 * channels, channels, args.sum);
  AddParts(args.scratch + channels, parts, 2 * channels, channels, args.sum_x);
}

template <class T>
void Gradient(const ChannelGradientArgs& args, const ParallelFor& parallel) {
  const int64_t channels = args.shape.channels;
  parallel(PartCount(args.shape.rows), [&](int64_t p) {
    const Rows rows = PartOf(args.shape.rows, p);
    for (int64_t at = rows.begin * channels; at < rows.end * channels; at += channels) {
      const T* x = static_cast<const T*>(args.x) + at;
      const T* d_y = static_cast<const T*>(args.d_y) + at;
      T* d_x = static_cast<T*>(args.d_x) + at;
      for (int64_t j = 0; j < channels; j += kLanes) {
        const int64_t count = channels - j;
        const Vec centred_d_y = LoadPart(d_y + j, count) - LoadPart(args.mean_d_y + j, count);
        const Vec centred_x = LoadPart(x + j, count) - LoadPart(args.mean + j, count);
        StorePart(d_x + j,
                  centred_d_y * LoadPart(args.of_d_y + j, count) +
                      centred_x * LoadPart(args.of_x + j, count),
                  count);
      }
    }
  });
}

}  // namespace

void ChannelMoments(const ChannelMomentsArgs& args, const ParallelFor& parallel) {
  if (args.shape.type == Element::kBFloat16) return Moments<BFloat16>(args, parallel);
  Moments<float>(args, parallel);
}

void ChannelAffine(const ChannelAffineArgs& args, const ParallelFor& parallel) {
  if (args.shape.type == Element::kBFloat16) return Affine<BFloat16>(args, parallel);
  Affine<float>(args, parallel);
}

void ChannelGradientSums(const ChannelGradientSumsArgs& args, const ParallelFor& parallel) {
  if (args.shape.type == Element::kBFloat16) return GradientSums<BFloat16>(args, parallel);
  GradientSums<float>(args, parallel);
}

void ChannelGradient(const ChannelGradientArgs& args, const ParallelFor& parallel) {
  if (args.shape.type == Element::kBFloat16) return Gradient<BFloat16>(args, parallel);
  Gradient<float>(args, parallel);
}

}  // namespace ocellus::kernels::cpu
