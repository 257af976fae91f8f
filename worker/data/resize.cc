#include "worker/data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ocellus::data {
namespace {

constexpr int kFractionBits = 22;
constexpr int kRowsAtOnce = 4;
constexpr int kLanes = 4 * kRowsAtOnce;  // channels x rows: one 512-bit or two 256-bit registers
constexpr int kColumns = 64;             // bytes of a row that the vertical pass handles at once

double Bilinear(double x) {
  x = std::fabs(x);
  return x < 1 ? 1 - x : 0;
}

double Bicubic(double x) {
  constexpr double kA = -0.5;
  x = std::fabs(x);
  if (x < 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0;
}

int32_t ToFixed(double weight) {
  const double scaled = weight * (1 << kFractionBits);
  return static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

uint8_t ToByte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

// out[lane] = sum over taps of weight * in[tap * step + lane], for kWidth lanes. A constant width
// and plain loops: the compiler makes vector code of it.
template <int kWidth>
inline void WeightedSum(const uint8_t* in, int64_t step, const int32_t* weight, int count,
                        uint8_t* out) {
  int32_t sum[kWidth];
  for (int lane = 0; lane < kWidth; ++lane) sum[lane] = 1 << (kFractionBits - 1);
  for (int tap = 0; tap < count; ++tap) {
    const int32_t w = weight[tap];
    for (int lane = 0; lane < kWidth; ++lane) sum[lane] += w * in[lane];
    in += step;
  }
  for (int lane = 0; lane < kWidth; ++lane) out[lane] = ToByte(sum[lane]);
}

// Four rows of pixels to [x][row], one 32-bit word a pixel. A row past the end repeats the last.
void Interleave(const Pixels& pixels, const Rect& source, int row, uint8_t* block) {
  const uint8_t* in[kRowsAtOnce];
  for (int r = 0; r < kRowsAtOnce; ++r) {
    in[r] = pixels.At(source.x, source.y + std::min(row + r, source.height - 1));
  }
  for (int x = 0; x < source.width; ++x) {
    for (int r = 0; r < kRowsAtOnce; ++r) std::memcpy(block + x * kLanes + 4 * r, in[r] + 4 * x, 4);
  }
}

}  // namespace

ResizeAxis MakeAxis(int in, int out, int window, int size, Interpolation interpolation,
                    bool antialias) {
  const bool cubic = interpolation == Interpolation::kBicubic;
  const double scale = static_cast<double>(in) / out;
  const double widen = antialias ? std::max(scale, 1.0) : 1.0;
  const double support = (cubic ? 2.0 : 1.0) * widen;
  ResizeAxis axis;
  axis.taps = static_cast<int>(std::ceil(support)) * 2 + 1;
  axis.first.resize(size);
  axis.count.resize(size);
  axis.weight.assign(static_cast<size_t>(size) * axis.taps, 0);
  std::vector<double> weights(axis.taps);
  for (int i = 0; i < size; ++i) {
    const double centre = (window + i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(centre - support + 0.5));
    const int count = std::min(in, static_cast<int>(centre + support + 0.5)) - first;
    double total = 0;
    for (int t = 0; t < count; ++t) {
      const double x = (t + first - centre + 0.5) * (1.0 / widen);
      total += weights[t] = cubic ? Bicubic(x) : Bilinear(x);
    }
    for (int t = 0; t < count; ++t) {
      axis.weight[static_cast<size_t>(i) * axis.taps + t] = ToFixed(weights[t] / total);
    }
    axis.first[i] = first;
    axis.count[i] = count;
  }
  return axis;
}

void Resizer::Horizontal(const Pixels& pixels, const ViewPlan& plan, const ResizeAxis& axis,
                         int first_row, int rows, int size) {
  block_.resize(static_cast<size_t>(plan.source.width) * kLanes);
  const int64_t stride = int64_t{4} * size;
  for (int row = 0; row < rows; row += kRowsAtOnce) {
    Interleave(pixels, plan.source, first_row + row, block_.data());
    uint8_t* to = rows_.data() + row * stride;
    for (int i = 0; i < size; ++i) {
      uint8_t lanes[kLanes];
      WeightedSum<kLanes>(block_.data() + int64_t{kLanes} * axis.first[i], kLanes,
                          axis.weight.data() + static_cast<size_t>(i) * axis.taps, axis.count[i],
                          lanes);
      for (int r = 0; r < kRowsAtOnce; ++r) std::memcpy(to + r * stride + 4 * i, lanes + 4 * r, 4);
    }
  }
}

// sink(y, line): row y of the result, four bytes a pixel.
template <typename Sink>
void Resizer::MakeRows(const Pixels& pixels, const ViewPlan& plan, int size,
                       Interpolation interpolation, bool antialias, Sink sink) {
  const ResizeAxis across =
      MakeAxis(plan.source.width, plan.out_width, plan.window_x, size, interpolation, antialias);
  const ResizeAxis down =
      MakeAxis(plan.source.height, plan.out_height, plan.window_y, size, interpolation, antialias);
  const int first_row = down.first.front();
  const int rows = down.first.back() + down.count.back() - first_row;
  const int64_t stride = int64_t{4} * size;
  const int64_t padded = (stride + kColumns - 1) / kColumns * kColumns;
  // Room for a whole last block of rows, and for the vertical pass to read past the last column.
  rows_.resize((rows + kRowsAtOnce) * stride + kColumns);
  Horizontal(pixels, plan, across, first_row, rows, size);
  std::vector<uint8_t> line(padded);
  for (int y = 0; y < size; ++y) {
    const uint8_t* in = rows_.data() + (down.first[y] - first_row) * stride;
    const int32_t* weight = down.weight.data() + static_cast<size_t>(y) * down.taps;
    for (int64_t x = 0; x < stride; x += kColumns) {
      WeightedSum<kColumns>(in + x, stride, weight, down.count[y], line.data() + x);
    }
    sink(y, line.data());
  }
}

void Resizer::Resize(const Pixels& pixels, const ViewPlan& plan, int size,
                     Interpolation interpolation, bool antialias, uint32_t* out) {
  MakeRows(pixels, plan, size, interpolation, antialias, [&](int64_t y, const uint8_t* line) {
    std::memcpy(out + y * size, line, size_t{4} * size);
  });
}

void Resizer::Run(const Pixels& pixels, const ViewPlan& plan, int size, Interpolation interpolation,
                  const Normaliser& normaliser, float* out) {
  MakeRows(pixels, plan, size, interpolation, true, [&](int64_t y, const uint8_t* line) {
    normaliser.RunRow(line, plan.flip, size, out + y * size, int64_t{size} * size);
  });
}

}  // namespace ocellus::data
