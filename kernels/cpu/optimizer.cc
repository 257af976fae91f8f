#include "kernels/optimizer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/vector.h"

namespace ocellus::kernels::cpu {
namespace {

// Elements [begin, end) of one tensor.
struct Piece {
  int64_t tensor, begin, end;
};

template <class Tensor>
std::vector<Piece> Pieces(const Tensor* tensors, int64_t size) {
  std::vector<Piece> pieces;
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t begin = 0; begin < tensors[i].count; begin += kElementsPerPiece) {
      pieces.push_back({i, begin, std::min(begin + kElementsPerPiece, tensors[i].count)});
    }
  }
  return pieces;
}

float FactorOf(const float* clip_factor) { return clip_factor ? *clip_factor : 1.0f; }

void Follow(const Followers& followers, Vec parameter, float weight, int64_t at, int64_t count) {
  if (followers.rounded) StorePart(followers.rounded + at, parameter, count);
  if (!followers.average) return;
  const Vec average = LoadPart(followers.average + at, count);
  StorePart(followers.average + at, average + weight * (parameter - average), count);
}

// Runs are short enough for fp32; they are added in fp64. Four sums at a time keep the processor
// busy, which otherwise waits for each addition.
double SumOfSquares(const float* x, int64_t count) {
  constexpr int64_t kRun = 4096, kSums = 4;
  double total = 0;
  for (int64_t begin = 0; begin < count; begin += kRun) {
    const int64_t end = std::min(begin + kRun, count);
    Vec squares[kSums] = {};
    int64_t i = begin;
    for (; i + kSums * kLanes <= end; i += kSums * kLanes) {
      for (int64_t k = 0; k < kSums; ++k) {
        const Vec value = Load(x + i + k * kLanes);
        squares[k] += value * value;
      }
    }
    for (; i < end; i += kLanes) {
      const Vec value = LoadPart(x + i, end - i);
      squares[0] += value * value;
    }
    total += Sum((squares[0] + squares[1]) + (squares[2] + squares[3]));
  }
  return total;
}

struct AdamWNumbers {
  explicit AdamWNumbers(const AdamWArgs& args)
      : new_first(static_cast<float>(1 - args.beta1)),
        old_second(static_cast<float>(args.beta2)),
        new_second(static_cast<float>(1 - args.beta2)),
        eps(static_cast<float>(args.eps)),
        average(static_cast<float>(1 - args.numbers->average_momentum)),
        clip(FactorOf(args.clip_factor)) {
    const auto t = static_cast<double>(*args.updates);
    size = static_cast<float>(args.numbers->rate / (1 - std::pow(args.beta1, t)));
    second_scale = static_cast<float>(1 / std::sqrt(1 - std::pow(args.beta2, t)));
  }

  float new_first, old_second, new_second, eps, average, clip, size, second_scale;
};

void AdamWPiece(const AdamWTensor& tensor, double rate, const AdamWNumbers& n, const Piece& piece) {
  const auto keep = static_cast<float>(1 - rate * tensor.decay);
  for (int64_t i = piece.begin; i < piece.end; i += kLanes) {
    const int64_t count = piece.end - i;
    const Vec gradient = LoadPart(tensor.gradient + i, count) * n.clip;
    Vec first = LoadPart(tensor.first_moment + i, count);
    Vec second = LoadPart(tensor.second_moment + i, count);
    first += (gradient - first) * n.new_first;
    second = second * n.old_second + gradient * gradient * n.new_second;
    const Vec parameter = LoadPart(tensor.parameter + i, count) * keep -
                          n.size * first / (Sqrt(second) * n.second_scale + n.eps);
    StorePart(tensor.first_moment + i, first, count);
    StorePart(tensor.second_moment + i, second, count);
    StorePart(tensor.parameter + i, parameter, count);
    Follow(tensor.followers, parameter, n.average, i, count);
  }
}

// A tensor's squares of p and of g + decay p, by piece.
struct Norms {
  double parameter = 0, gradient = 0;
};

Norms SquaresOf(const MomentumTensor& tensor, float clip, const Piece& piece) {
  Norms norms{SumOfSquares(tensor.parameter + piece.begin, piece.end - piece.begin), 0};
  alignas(64) float decayed[1024];
  for (int64_t begin = piece.begin; begin < piece.end; begin += 1024) {
    const int64_t size = std::min<int64_t>(1024, piece.end - begin);
    for (int64_t i = 0; i < size; i += kLanes) {
      const int64_t count = size - i;
      Store(decayed + i, LoadPart(tensor.gradient + begin + i, count) * clip +
                             LoadPart(tensor.parameter + begin + i, count) * tensor.decay);
    }
    norms.gradient += SumOfSquares(decayed, size);
  }
  return norms;
}

float Trust(const Norms& norms, double trust) {
  if (norms.parameter == 0 || norms.gradient == 0) return 1;
  return static_cast<float>(trust * std::sqrt(norms.parameter) / std::sqrt(norms.gradient));
}

void MomentumPiece(const MomentumArgs& args, float trust, const Piece& piece) {
  const MomentumTensor& tensor = args.tensors[piece.tensor];
  const float clip = FactorOf(args.clip_factor), momentum = static_cast<float>(args.momentum);
  const auto rate = static_cast<float>(args.numbers->rate);
  const float inside = args.rate_inside ? rate : 1.0f, outside = args.rate_inside ? 1.0f : rate;
  const auto average = static_cast<float>(1 - args.numbers->average_momentum);
  for (int64_t i = piece.begin; i < piece.end; i += kLanes) {
    const int64_t count = piece.end - i;
    const Vec old = LoadPart(tensor.parameter + i, count);
    const Vec gradient =
        (LoadPart(tensor.gradient + i, count) * clip + old * tensor.decay) * trust * inside;
    const Vec buffer = LoadPart(tensor.buffer + i, count) * momentum + gradient;
    const Vec parameter = old - outside * (args.nesterov ? gradient + buffer * momentum : buffer);
    StorePart(tensor.buffer + i, buffer, count);
    StorePart(tensor.parameter + i, parameter, count);
    Follow(tensor.followers, parameter, average, i, count);
  }
}

}  // namespace

void AdamW(const AdamWArgs& args, const ParallelFor& parallel) {
  if (std::isnan(FactorOf(args.clip_factor))) return;
  ++*args.updates;
  const AdamWNumbers numbers(args);
  const std::vector<Piece> pieces = Pieces(args.tensors, args.size);
  parallel(static_cast<int64_t>(pieces.size()), [&](int64_t i) {
    AdamWPiece(args.tensors[pieces[i].tensor], args.numbers->rate, numbers, pieces[i]);
  });
}

void Momentum(const MomentumArgs& args, const ParallelFor& parallel) {
  const std::vector<Piece> pieces = Pieces(args.tensors, args.size);
  const auto count = static_cast<int64_t>(pieces.size());
  const float clip = FactorOf(args.clip_factor);
  if (std::isnan(clip)) return;
  ++*args.updates;
  std::vector<Norms> norms(pieces.size()), totals(args.size);
  parallel(count, [&](int64_t i) {
    const MomentumTensor& tensor = args.tensors[pieces[i].tensor];
    if (tensor.adapts) norms[i] = SquaresOf(tensor, clip, pieces[i]);
  });
  for (int64_t i = 0; i < count; ++i) {
    totals[pieces[i].tensor].parameter += norms[i].parameter;
    totals[pieces[i].tensor].gradient += norms[i].gradient;
  }
  parallel(count, [&](int64_t i) {
    const int64_t tensor = pieces[i].tensor;
    const bool adapts = args.tensors[tensor].adapts;
    MomentumPiece(args, adapts ? Trust(totals[tensor], args.trust) : 1.0f, pieces[i]);
  });
}

void Average(const AverageArgs& args, const ParallelFor& parallel) {
  const auto weight = static_cast<float>(1 - args.numbers->average_momentum);
  const std::vector<Piece> pieces = Pieces(args.tensors, args.size);
  parallel(static_cast<int64_t>(pieces.size()), [&](int64_t i) {
    const AverageTensor& tensor = args.tensors[pieces[i].tensor];
    const Followers followers{.average = tensor.average};
    for (int64_t at = pieces[i].begin; at < pieces[i].end; at += kLanes) {
      const int64_t count = pieces[i].end - at;
      Follow(followers, LoadPart(tensor.parameter + at, count), weight, at, count);
    }
  });
}

void GradientNorm(const GradientNormArgs& args, const ParallelFor& parallel) {
  const std::vector<Piece> pieces = Pieces(args.tensors, args.size);
  std::vector<double> squares(pieces.size());
  parallel(static_cast<int64_t>(pieces.size()), [&](int64_t i) {
    const Piece& piece = pieces[i];
    squares[i] =
        SumOfSquares(args.tensors[piece.tensor].gradient + piece.begin, piece.end - piece.begin);
  });
  double total = 0;
  for (const double square : squares) total += square;
  const double norm = std::sqrt(total);
  *args.norm = static_cast<float>(norm);
  if (args.factor) *args.factor = static_cast<float>(std::min(1.0, args.limit / (norm + 1e-6)));
}

}  // namespace ocellus::kernels::cpu
