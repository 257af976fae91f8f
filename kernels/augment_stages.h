// The stages of kernels/augment.h for one pixel of a view, for processors and devices alike.
#pragma once

#include "kernels/augment.h"
#include "kernels/colours.h"

namespace ocellus::kernels {

struct Pixel {
  float channel[3];
};

OCELLUS_ANYWHERE inline Pixel Unpacked(uint32_t word) {
  return {{static_cast<float>(static_cast<int>(word & 255)),
           static_cast<float>(static_cast<int>(word >> 8 & 255)),
           static_cast<float>(static_cast<int>(word >> 16 & 255))}};
}

OCELLUS_ANYWHERE inline uint32_t Packed(const Pixel& pixel) {
  return static_cast<uint32_t>(pixel.channel[0]) | static_cast<uint32_t>(pixel.channel[1]) << 8 |
         static_cast<uint32_t>(pixel.channel[2]) << 16;
}

// Result `i` of an axis, as bytes, of words `step` apart.
OCELLUS_ANYWHERE inline uint32_t Resampled(const uint32_t* in, int64_t step, const int32_t* tables,
                                           const AugmentAxis& axis, int32_t size, int32_t i) {
  const int32_t* table = tables + axis.begin;
  const int32_t count = table[size + i];
  const int32_t* weights = table + 2 * size + int64_t{i} * axis.taps;
  const uint32_t* from = in + table[i] * step;
  int32_t sums[3] = {1 << 21, 1 << 21, 1 << 21};
  for (int32_t t = 0; t < count; ++t) {
    const uint32_t word = from[t * step];
    for (int c = 0; c < 3; ++c) {
      sums[c] += weights[t] * static_cast<int32_t>(word >> (8 * c) & 255);
    }
  }
  uint32_t out = 0;
  for (int c = 0; c < 3; ++c) {
    const int32_t value = sums[c] >> 22;
    out |= static_cast<uint32_t>(value < 0 ? 0 : value > 255 ? 255 : value) << (8 * c);
  }
  return out;
}

OCELLUS_ANYWHERE inline float LumaOf(const Pixel& p) {
  return Luma(p.channel[0], p.channel[1], p.channel[2]);
}

// `gray` is the view's mean, for contrast.
OCELLUS_ANYWHERE inline Pixel Changed(const AugmentStep& step, float gray, const Pixel& p) {
  Pixel out = p;
  if (step.change == ColourChange::kHue) {
    const ColourCircle circle = ToCircle(p.channel[0], p.channel[1], p.channel[2]);
    const float hue = circle.hue + (6 * step.amount + 6);  // FromCircle wants it above 0
    for (int c = 0; c < 3; ++c) {
      const float offset = static_cast<float>(5 - 2 * c);
      out.channel[c] = Whole(FromCircle(hue, circle.saturation, circle.value, offset) + 0.5f);
    }
    return out;
  }
  float other = 0;
  if (step.change == ColourChange::kContrast) other = gray;
  if (step.change == ColourChange::kSaturation) other = LumaOf(p);
  for (int c = 0; c < 3; ++c) out.channel[c] = Blend(other, p.channel[c], step.amount);
  return out;
}

// The step that needs the mean of what comes before it; step_count where there is none.
OCELLUS_ANYWHERE inline int32_t ContrastOf(const AugmentView& view) {
  for (int32_t s = 0; s < view.step_count; ++s) {
    if (view.steps[s].change == ColourChange::kContrast) return s;
  }
  return view.step_count;
}

OCELLUS_ANYWHERE inline Pixel BeforeContrast(const AugmentView& view, Pixel pixel) {
  const int32_t contrast = ContrastOf(view);
  for (int32_t s = 0; s < contrast; ++s) pixel = Changed(view.steps[s], 0, pixel);
  return pixel;
}

OCELLUS_ANYWHERE inline Pixel FromContrast(const AugmentView& view, float gray, Pixel pixel) {
  for (int32_t s = ContrastOf(view); s < view.step_count; ++s) {
    pixel = Changed(view.steps[s], gray, pixel);
  }
  if (!view.grayscale) return pixel;
  const float luma = LumaOf(pixel);
  return {{luma, luma, luma}};
}

// The mean of a view's lumas as a byte.
OCELLUS_ANYWHERE inline float GrayOf(double sum, int32_t size) {
  const double area = static_cast<double>(size) * size;
  return static_cast<float>(static_cast<int64_t>(sum / area + 0.5));
}

OCELLUS_ANYWHERE inline int32_t Within(int32_t i, int32_t size) {
  return i < 0 ? 0 : i >= size ? size - 1 : i;
}

// What the blur makes of place `x` of a line, where at(i) is the line's value at i.
template <class At>
OCELLUS_ANYWHERE inline float Blurred(const AugmentView& view, const float* weights, int32_t x,
                                      int32_t size, const At& at) {
  const float* kernel = weights + view.blur;
  float sum = kernel[0] * at(x);
  for (int32_t t = 1; t <= view.radius; ++t) {
    sum += kernel[t] * (at(Within(x - t, size)) + at(Within(x + t, size)));
  }
  return sum;
}

// Solarized and normalised.
OCELLUS_ANYWHERE inline float Finished(const AugmentArgs& args, const AugmentView& view,
                                       int32_t channel, float value) {
  value = value < view.solarize ? value : 255 - value;
  const float scale = 1 / (255 * args.std[channel]);
  return value * scale - args.mean[channel] / args.std[channel];
}

// Where pixel (y, x) of view v goes in a plane-wise result.
OCELLUS_ANYWHERE inline int64_t OutPlace(const AugmentArgs& args, int64_t v, int32_t channel,
                                         int32_t y, int32_t x) {
  const int64_t size = args.size;
  const int64_t column = args.views[v].flip ? size - 1 - x : x;
  return ((v * 3 + channel) * size + y) * size + column;
}

}  // namespace ocellus::kernels
