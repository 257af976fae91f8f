#include "kernels/depthwise.h"

#include <algorithm>

#include "kernels/cpu/partial_sums.h"

namespace ocellus::kernels::cpu {
namespace {

constexpr int kBorder = kTapsAcross / 2;
constexpr int kOutputs = 8;  // of a row at a time, in registers
constexpr int kInputs = kOutputs + kTapsAcross - 1;

// What lies under the taps of a run of outputs: one row of input, sixteen channels.
template <class T>
struct InputRun {
  const T* row;   // of the image, at the channels
  int64_t first;  // column of input 0; may be outside
  int64_t width, stride, channels;

  // Calls add(i, input i) for those that there are. `i` is a constant where all are.
  template <class Add>
  void ForEach(const Add& add) const {
    if (first >= 0 && first + kInputs <= width && channels >= kLanes) {
#pragma GCC unroll 16
      for (int i = 0; i < kInputs; ++i) add(i, Load(row + (first + i) * stride));
      return;
    }
    for (int i = 0; i < kInputs; ++i) {
      if (first + i < 0 || first + i >= width) continue;
      add(i, LoadPart(row + (first + i) * stride, channels));
    }
  }
};

// The image's row under tap row `i` of output row `h`, or null.
template <class T>
const T* RowUnder(const DepthwiseShape& shape, const void* images, int64_t row, int i) {
  const int64_t h = row % shape.height + i - kBorder;
  if (h < 0 || h >= shape.height) return nullptr;
  return static_cast<const T*>(images) +
         (row / shape.height * shape.height + h) * shape.width * shape.channels;
}

template <class T>
void AddTapRow(const InputRun<T>& input, const Vec* weight, Vec* sums) {
  input.ForEach([&](int i, Vec x) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int o = 0; o < kOutputs; ++o) {
      if (i >= o && i - o < kTapsAcross) sums[o] += x * weight[i - o];
    }
  });
}

template <class T>
void OutputRun(const DepthwiseArgs& args, int64_t row, int64_t c, int64_t w) {
  const DepthwiseShape& shape = args.shape;
  const int64_t count = shape.channels - c;
  Vec sums[kOutputs];
  for (Vec& sum : sums) sum = args.bias ? LoadPart(args.bias + c, count) : Vec{};
  for (int i = 0; i < kTapsAcross; ++i) {
    const T* input = RowUnder<T>(shape, args.x, row, i);
    if (!input) continue;
    Vec weight[kTapsAcross];
    for (int j = 0; j < kTapsAcross; ++j) {
      weight[j] = LoadPart(args.weight + (i * kTapsAcross + j) * shape.channels + c, count);
    }
    AddTapRow<T>({input + c, w - kBorder, shape.width, shape.channels, count}, weight, sums);
  }
  T* y = static_cast<T*>(args.y) + (row * shape.width + w) * shape.channels + c;
  const int64_t outputs = std::min<int64_t>(kOutputs, shape.width - w);
  for (int64_t o = 0; o < outputs; ++o) StorePart(y + o * shape.channels, sums[o], count);
}

template <class T>
void OutputRow(const DepthwiseArgs& args, int64_t row) {
  for (int64_t c = 0; c < args.shape.channels; c += kLanes) {
    for (int64_t w = 0; w < args.shape.width; w += kOutputs) OutputRun<T>(args, row, c, w);
  }
}

// Adds what a run of outputs says of one row of taps.
template <class T>
void AddRun(const InputRun<T>& input, const Vec* d_y, Vec* d_weight) {
  input.ForEach([&](int i, Vec x) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int o = 0; o < kOutputs; ++o) {
      if (i >= o && i - o < kTapsAcross) d_weight[i - o] += x * d_y[o];
    }
  });
}

// The gradients of a run's outputs; beyond the row's end zero.
template <class T>
void LoadRun(const DepthwiseShape& shape, const T* d_y, int64_t w, int64_t count, Vec* run) {
  for (int o = 0; o < kOutputs; ++o) {
    run[o] = w + o < shape.width ? LoadPart(d_y + (w + o) * shape.channels, count) : Vec{};
  }
}

// One row of taps of sixteen channels, over the rows [begin, end).
template <class T>
void TapRow(const DepthwiseWeightGradientArgs& args, int64_t begin, int64_t end, int i, int64_t c,
            float* partial) {
  const DepthwiseShape& shape = args.shape;
  const int64_t count = shape.channels - c;
  Vec d_weight[kTapsAcross] = {}, run[kOutputs];
  for (int64_t row = begin; row < end; ++row) {
    const T* input = RowUnder<T>(shape, args.x, row, i);
    if (!input) continue;
    const T* d_y = static_cast<const T*>(args.d_y) + row * shape.width * shape.channels + c;
    for (int64_t w = 0; w < shape.width; w += kOutputs) {
      LoadRun(shape, d_y, w, count, run);
      AddRun<T>({input + c, w - kBorder, shape.width, shape.channels, count}, run, d_weight);
    }
  }
  for (int j = 0; j < kTapsAcross; ++j) {
    StorePart(partial + (i * kTapsAcross + j) * shape.channels + c, d_weight[j], count);
  }
}

template <class T>
void BiasSum(const DepthwiseWeightGradientArgs& args, int64_t begin, int64_t end, int64_t c,
             float* partial) {
  const int64_t channels = args.shape.channels, count = channels - c;
  const T* d_y = static_cast<const T*>(args.d_y) + c;
  Vec sum{};
  for (int64_t at = begin * args.shape.width; at < end * args.shape.width; ++at) {
    sum += LoadPart(d_y + at * channels, count);
  }
  StorePart(partial + kTaps * channels + c, sum, count);
}

template <class T>
void WeightPart(const DepthwiseWeightGradientArgs& args, int64_t part) {
  const int64_t rows = args.shape.rows(), parts = PartCount(rows);
  const int64_t begin = PartBegin(rows, parts, part), end = PartBegin(rows, parts, part + 1);
  float* partial = args.scratch + part * (kTaps + 1) * args.shape.channels;
  for (int64_t c = 0; c < args.shape.channels; c += kLanes) {
    for (int i = 0; i < kTapsAcross; ++i) TapRow<T>(args, begin, end, i, c, partial);
    BiasSum<T>(args, begin, end, c, partial);
  }
}

}  // namespace

void Depthwise(const DepthwiseArgs& args, const ParallelFor& parallel) {
  const bool bf16 = args.shape.type == Element::kBFloat16;
  ForEachRow(args.shape.rows(), parallel, [&](int64_t row) {
    bf16 ? OutputRow<BFloat16>(args, row) : OutputRow<float>(args, row);
  });
}

void DepthwiseWeightGradient(const DepthwiseWeightGradientArgs& args, const ParallelFor& parallel) {
  const bool bf16 = args.shape.type == Element::kBFloat16;
  const int64_t parts = PartCount(args.shape.rows()), channels = args.shape.channels;
  parallel(parts, [&](int64_t part) {
    bf16 ? WeightPart<BFloat16>(args, part) : WeightPart<float>(args, part);
  });
  const int64_t stride = (kTaps + 1) * channels;
  AddParts(args.scratch, parts, stride, kTaps * channels, args.d_weight);
  AddParts(args.scratch + kTaps * channels, parts, stride, channels, args.d_bias);
}

}  // namespace ocellus::kernels::cpu
