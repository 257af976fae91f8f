#include "kernels/channel_norm.h"

#include <algorithm>
#include <type_traits>

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

// Channels at a time: neighbours in a row, so that a row's cache lines are taken together.
constexpr int kVecs = 4;

// Calls body<vectors of channels>(first channel, how many) for all channels.
template <class Body>
void ForEachBlock(int64_t channels, const Body& body) {
  int64_t j = 0;
  for (; j + kVecs * kLanes <= channels; j += kVecs * kLanes) {
    body(std::integral_constant<int, kVecs>(), j, kVecs * kLanes);
  }
  for (; j < channels; j += kLanes) {
    body(std::integral_constant<int, 1>(), j, std::min(kLanes, channels - j));
  }
}

template <class T>
Vec LoadVec(const T* p, int vec, int64_t count) {
  return LoadPart(p + vec * kLanes, count - vec * kLanes);
}

// Of a part's rows: mean, and the sum of squared deviations from it. In one pass, as differences
// from the first row, which is near enough that nothing cancels.
template <class T>
void PartMoments(const T* x, int64_t channels, const Rows& rows, float* mean, float* squares) {
  ForEachBlock(channels, [&](auto vecs, int64_t j, int64_t count) {
    Vec first[vecs], sum[vecs] = {}, square[vecs] = {};
    for (int v = 0; v < vecs; ++v) first[v] = LoadVec(x + rows.begin * channels + j, v, count);
    for (int64_t i = rows.begin + 1; i < rows.end; ++i) {
      for (int v = 0; v < vecs; ++v) {
        const Vec difference = LoadVec(x + i * channels + j, v, count) - first[v];
        sum[v] += difference;
        square[v] += difference * difference;
      }
    }
    for (int v = 0; v < vecs; ++v) {
      const int64_t at = j + v * kLanes, left = count - v * kLanes;
      const Vec offset = sum[v] / rows.count();
      StorePart(mean + at, first[v] + offset, left);
      StorePart(squares + at, square[v] - offset * sum[v], left);
    }
  });
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
    ForEachBlock(channels, [&](auto vecs, int64_t j, int64_t count) {
      Vec mean[vecs], rstd[vecs], sum[vecs] = {}, sum_x[vecs] = {};
      for (int v = 0; v < vecs; ++v) {
        mean[v] = LoadVec(args.mean + j, v, count);
        rstd[v] = LoadVec(args.rstd + j, v, count);
      }
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        for (int v = 0; v < vecs; ++v) {
          const Vec gradient = LoadVec(d_y + i * channels + j, v, count);
          sum[v] += gradient;
          sum_x[v] += gradient * ((LoadVec(x + i * channels + j, v, count) - mean[v]) * rstd[v]);
        }
      }
      for (int v = 0; v < vecs; ++v) {
        const int64_t left = count - v * kLanes;
        StorePart(sums + j + v * kLanes, sum[v], left);
        StorePart(sums + channels + j + v * kLanes, sum_x[v], left);
      }
    });
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
