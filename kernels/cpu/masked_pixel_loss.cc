#include "kernels/masked_pixel_loss.h"

#include <cmath>
#include <vector>

#include "kernels/cpu/vector.h"

namespace ocellus::kernels::cpu {
namespace {

// A row of `columns` pixels of each channel, interleaved. The compiler turns this into shuffles
// when it knows the number of channels.
template <int64_t kChannels>
void Interleave(const float* from, int64_t plane, int64_t channels, int64_t columns, float* to) {
  if constexpr (kChannels > 0) channels = kChannels;
  for (int64_t column = 0; column < columns; ++column) {
    for (int64_t channel = 0; channel < channels; ++channel) {
      to[column * channels + channel] = from[channel * plane + column];
    }
  }
}

// A patch's pixels in row, column, channel order.
void Gather(const PatchGrid& grid, const float* images, int64_t patch, float* out) {
  const int64_t in_image = patch % grid.per_image();
  const int64_t y = in_image / grid.columns() * grid.patch;
  const int64_t x = in_image % grid.columns() * grid.patch;
  const int64_t plane = grid.height * grid.width;
  const float* corner =
      images + patch / grid.per_image() * grid.channels * plane + y * grid.width + x;
  const auto interleave = grid.channels == 3 ? Interleave<3> : Interleave<0>;
  for (int64_t row = 0; row < grid.patch; ++row) {
    interleave(corner + row * grid.width, plane, grid.channels, grid.patch,
               out + row * grid.patch * grid.channels);
  }
}

// Mean, and 1 / sqrt(unbiased variance + 1e-6).
void Statistics(const float* pixels, int64_t numbers, float* mean, float* rstd) {
  Vec sum{};
  for (int64_t j = 0; j < numbers; j += kLanes) sum += LoadPart(pixels + j, numbers - j);
  *mean = Sum(sum) / static_cast<float>(numbers);
  Vec squares{};
  for (int64_t j = 0; j < numbers; j += kLanes) {
    const Vec centred = KeepFirst(LoadPart(pixels + j, numbers - j) - *mean, numbers - j);
    squares += centred * centred;
  }
  *rstd = 1.0f / std::sqrt(Sum(squares) / static_cast<float>(numbers - 1) + 1e-6f);
}

template <class T>
float SquaredError(const T* pred, const float* pixels, int64_t numbers, float shift, float scale) {
  Vec sum{};
  for (int64_t j = 0; j < numbers; j += kLanes) {
    const int64_t count = numbers - j;
    const Vec target = (LoadPart(pixels + j, count) - shift) * scale;
    const Vec error = KeepFirst(LoadPart(pred + j, count) - target, count);
    sum += error * error;
  }
  return Sum(sum);
}

template <class T>
void ForwardPatch(const MaskedPixelLossForwardArgs& args, int64_t patch, float* pixels) {
  args.shift[patch] = args.error[patch] = 0;
  args.scale[patch] = 1;
  if (args.mask[patch] == 0) return;
  const int64_t numbers = args.grid.numbers();
  Gather(args.grid, args.images, patch, pixels);
  if (args.normalise) Statistics(pixels, numbers, &args.shift[patch], &args.scale[patch]);
  const float squared = SquaredError(static_cast<const T*>(args.pred) + patch * numbers, pixels,
                                     numbers, args.shift[patch], args.scale[patch]);
  args.error[patch] = args.mask[patch] * squared / static_cast<float>(numbers);
}

template <class T>
void BackwardPatch(const MaskedPixelLossBackwardArgs& args, int64_t patch, float* pixels) {
  const int64_t numbers = args.grid.numbers();
  T* d_pred = static_cast<T*>(args.d_pred) + patch * numbers;
  if (args.mask[patch] == 0) {
    for (int64_t j = 0; j < numbers; j += kLanes) StorePart(d_pred + j, Vec{}, numbers - j);
    return;
  }
  Gather(args.grid, args.images, patch, pixels);
  const float factor =
      args.d_loss[0] * args.mask[patch] / args.totals[1] * 2.0f / static_cast<float>(numbers);
  const T* pred = static_cast<const T*>(args.pred) + patch * numbers;
  const float shift = args.shift[patch], scale = args.scale[patch];
  for (int64_t j = 0; j < numbers; j += kLanes) {
    const int64_t count = numbers - j;
    const Vec target = (LoadPart(pixels + j, count) - shift) * scale;
    StorePart(d_pred + j, (LoadPart(pred + j, count) - target) * factor, count);
  }
}

template <class Patch>
void ForEachPatch(const PatchGrid& grid, const ParallelFor& parallel, const Patch& body) {
  const int64_t patches = grid.patches(), parts = PartCount(patches);
  parallel(parts, [&](int64_t p) {
    std::vector<float> pixels(grid.numbers());
    const int64_t end = PartBegin(patches, parts, p + 1);
    for (int64_t i = PartBegin(patches, parts, p); i < end; ++i) body(i, pixels.data());
  });
}

}  // namespace

void MaskedPixelLossForward(const MaskedPixelLossForwardArgs& args, const ParallelFor& parallel) {
  const bool bf16 = args.pred_type == Element::kBFloat16;
  ForEachPatch(args.grid, parallel, [&](int64_t patch, float* pixels) {
    bf16 ? ForwardPatch<BFloat16>(args, patch, pixels) : ForwardPatch<float>(args, patch, pixels);
  });
  double error = 0, mask = 0;
  for (int64_t i = 0; i < args.grid.patches(); ++i) {
    error += args.error[i];
    mask += args.mask[i];
  }
  args.totals[0] = static_cast<float>(error / mask);
  args.totals[1] = static_cast<float>(mask);
}

void MaskedPixelLossBackward(const MaskedPixelLossBackwardArgs& args, const ParallelFor& parallel) {
  const bool bf16 = args.pred_type == Element::kBFloat16;
  ForEachPatch(args.grid, parallel, [&](int64_t patch, float* pixels) {
    bf16 ? BackwardPatch<BFloat16>(args, patch, pixels) : BackwardPatch<float>(args, patch, pixels);
  });
}

}  // namespace ocellus::kernels::cpu
