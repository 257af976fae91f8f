#include "kernels/relic_terms.h"

#include <algorithm>
#include <numeric>

#include "kernels/cpu/log_sum_exp.h"

namespace ocellus::kernels {

void InvertChoices(const int64_t* chosen, int64_t count, int64_t others, int64_t* first,
                   int64_t* places) {
  std::fill(first, first + others + 1, 0);
  for (int64_t i = 0; i < count; ++i) ++first[chosen[i] + 1];
  std::partial_sum(first, first + others + 1, first);
  for (int64_t i = 0; i < count; ++i) places[first[chosen[i]]++] = i;
  // Each has run on to where the next begins.
  std::copy_backward(first, first + others, first + others + 1);
  first[0] = 0;
}

namespace cpu {
namespace {

const float* RowOf(const EmbeddingRows& embeddings, int64_t i) {
  return embeddings.data + i * embeddings.stride;
}

// Four sums at a time keep the processor busy, which otherwise waits for each addition.
float Dot(const float* a, const float* b, int64_t width) {
  constexpr int64_t kSums = 4;
  Vec sums[kSums] = {};
  int64_t j = 0;
  for (; j + kSums * kLanes <= width; j += kSums * kLanes) {
    for (int64_t k = 0; k < kSums; ++k) {
      sums[k] += Load(a + j + k * kLanes) * Load(b + j + k * kLanes);
    }
  }
  for (; j < width; j += kLanes) sums[0] += LoadPart(a + j, width - j) * LoadPart(b + j, width - j);
  return Sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

void ChosenProducts(const RelicForwardArgs& args, int64_t i) {
  const RelicShape& shape = args.shape;
  const int64_t* chosen = shape.chosen + i * shape.candidates;
  for (int64_t c = 0; c < shape.candidates; ++c) {
    const int64_t at = i * shape.candidates + c, other = chosen[c];
    args.log_p[at] = Dot(RowOf(args.online, i), RowOf(args.all_target, other), shape.width);
    args.log_q[at] = Dot(RowOf(args.target, i), RowOf(args.all_online, other), shape.width);
  }
}

void LogSoftmax(float* x, int64_t size, float scale) {
  const float shift =
      LogSumExp(size, [&](int64_t j, int64_t count) { return LoadPart(x + j, count) * scale; });
  for (int64_t j = 0; j < size; j += kLanes) {
    StorePart(x + j, LoadPart(x + j, size - j) * scale - shift, size - j);
  }
}

// sum e^a (a - b).
float Divergence(const float* a, const float* b, int64_t size) {
  Vec sum{};
  for (int64_t j = 0; j < size; j += kLanes) {
    const Vec first = LoadPart(a + j, size - j), second = LoadPart(b + j, size - j);
    sum += KeepFirst(Exp(first) * (first - second), size - j);
  }
  return Sum(sum);
}

int64_t OwnPlace(const RelicShape& shape, int64_t i) { return shape.chosen ? 0 : shape.own[i]; }

void ForwardRow(const RelicForwardArgs& args, int64_t i) {
  const RelicShape& shape = args.shape;
  if (shape.chosen) ChosenProducts(args, i);
  float* log_p = args.log_p + i * shape.candidates;
  float* log_q = args.log_q + i * shape.candidates;
  LogSoftmax(log_p, shape.candidates, shape.scale);
  LogSoftmax(log_q, shape.candidates, shape.scale);
  args.likelihood[i] = log_p[OwnPlace(shape, i)];
  const bool teaches = shape.divergence == RelicDivergence::kSoftLabel;
  args.kl[i] = teaches ? Divergence(log_q, log_p, shape.candidates)
                       : Divergence(log_p, log_q, shape.candidates);
}

// What of log p - log q has a gradient through p.
Vec LiveRatio(RelicDivergence divergence, Vec log_p, Vec log_q) {
  return divergence == RelicDivergence::kFull ? log_p - log_q : -log_q;
}

void ProductGradients(const RelicBackwardArgs& args, int64_t i) {
  const RelicShape& shape = args.shape;
  const int64_t size = shape.candidates, begin = i * size;
  const float *log_p = args.log_p + begin, *log_q = args.log_q + begin;
  const bool teaches = shape.divergence == RelicDivergence::kSoftLabel;
  const float d_likelihood = args.d_likelihood[i] * shape.scale, d_kl = args.d_kl[i] * shape.scale;
  Vec sum{};
  for (int64_t j = 0; j < size && !teaches; j += kLanes) {
    const Vec own = LoadPart(log_p + j, size - j), other = LoadPart(log_q + j, size - j);
    sum += KeepFirst(Exp(own) * LiveRatio(shape.divergence, own, other), size - j);
  }
  const float mean = Sum(sum);
  for (int64_t j = 0; j < size; j += kLanes) {
    const Vec own = LoadPart(log_p + j, size - j), other = LoadPart(log_q + j, size - j);
    const Vec p = Exp(own), q = Exp(other);
    const Vec of_kl = teaches ? p - q : p * (LiveRatio(shape.divergence, own, other) - mean);
    StorePart(args.d_p + begin + j, of_kl * d_kl - p * d_likelihood, size - j);
    if (args.d_q) StorePart(args.d_q + begin + j, (teaches ? Vec{} : q - p) * d_kl, size - j);
  }
  args.d_p[begin + OwnPlace(shape, i)] += d_likelihood;
}

void OnlineGradient(const RelicBackwardArgs& args, int64_t i) {
  const RelicShape& shape = args.shape;
  const int64_t* chosen = shape.chosen + i * shape.candidates;
  const float* d_p = args.d_p + i * shape.candidates;
  for (int64_t j = 0; j < shape.width; j += kLanes) {
    const int64_t count = shape.width - j;
    Vec sum{};
    for (int64_t c = 0; c < shape.candidates; ++c) {
      sum += d_p[c] * LoadPart(RowOf(args.all_target, chosen[c]) + j, count);
    }
    StorePart(args.d_online + i * shape.width + j, sum, count);
  }
}

void OtherGradient(const RelicBackwardArgs& args, int64_t k) {
  const RelicShape& shape = args.shape;
  for (int64_t j = 0; j < shape.width; j += kLanes) {
    const int64_t count = shape.width - j;
    Vec sum{};
    for (int64_t at = args.first[k]; at < args.first[k + 1]; ++at) {
      const int64_t place = args.places[at];
      sum += args.d_q[place] * LoadPart(RowOf(args.target, place / shape.candidates) + j, count);
    }
    StorePart(args.d_all_online + k * shape.width + j, sum, count);
  }
}

}  // namespace

void RelicForward(const RelicForwardArgs& args, const ParallelFor& parallel) {
  ForEachRow(args.shape.rows, parallel, [&](int64_t i) { ForwardRow(args, i); });
}

void RelicBackward(const RelicBackwardArgs& args, const ParallelFor& parallel) {
  ForEachRow(args.shape.rows, parallel, [&](int64_t i) {
    ProductGradients(args, i);
    if (args.shape.chosen) OnlineGradient(args, i);
  });
  if (!args.shape.chosen || !args.d_q) return;
  ForEachRow(args.others, parallel, [&](int64_t k) { OtherGradient(args, k); });
}

}  // namespace cpu
}  // namespace ocellus::kernels
