#include "worker/data/augment/augmenter.h"

#include <algorithm>

#include "worker/data/augment/byol_colours.h"
#include "worker/data/augment/byte_colours.h"
#include "worker/data/augment/float_colours.h"

namespace ocellus::data {
namespace {

void ApplyByteStep(const ColourStep& step, uint32_t* pixels, int64_t count) {
  switch (step.op) {
    case ColourOp::kBrightness:
      return AdjustBrightness(pixels, count, static_cast<float>(step.amount));
    case ColourOp::kContrast:
      return AdjustContrast(pixels, count, static_cast<float>(step.amount));
    case ColourOp::kSaturation:
      return AdjustSaturation(pixels, count, static_cast<float>(step.amount));
    case ColourOp::kHue:
      return AdjustHue(pixels, count, step.amount);
  }
}

// (value / most - mean) / std, and the mirror image of it.
void NormalisePlanes(const Planes& planes, const Normaliser& normaliser, float most, bool flip,
                     int size) {
  for (int channel = 0; channel < 3; ++channel) {
    const float scale = 1 / (most * normaliser.std[channel]);
    const float shift = -normaliser.mean[channel] / normaliser.std[channel];
    float* __restrict values = planes.channel[channel];
    for (int64_t i = 0; i < planes.count; ++i) values[i] = values[i] * scale + shift;
    for (int y = 0; flip && y < size; ++y) {
      std::reverse(values + int64_t{y} * size, values + int64_t{y + 1} * size);
    }
  }
}

}  // namespace

void Augmenter::Reference(const ColourOptions& options, const ColourPlan& plan, int size,
                          uint32_t* pixels) {
  const int64_t count = int64_t{size} * size;
  for (int s = 0; s < plan.step_count; ++s) ApplyByteStep(plan.steps[s], pixels, count);
  if (plan.grayscale) ToGrayscale(pixels, count);
  if (plan.sigma > 0) box_blur_.Run(pixels, size, size, static_cast<float>(plan.sigma));
  if (plan.solarize) Solarize(pixels, count, options.solarize_threshold);
}

void Augmenter::Fast(const ColourOptions& options, const ColourPlan& plan, int size,
                     const uint32_t* pixels, float* out) {
  const Planes planes = PlanesOf(out, int64_t{size} * size);
  ChangeColours(pixels, plan, planes);
  if (plan.sigma > 0) {
    float_blur_.Run(planes, size, BoxKernel(static_cast<float>(plan.sigma)), Outside::kEdge);
  }
  if (plan.solarize) SolarizeFloat(planes, static_cast<float>(options.solarize_threshold));
}

// The blur's kernel is a tenth of the view wide.
void Augmenter::Byol(const ColourOptions& options, const ColourPlan& plan, int size,
                     const uint32_t* pixels, float* out) {
  const Planes planes = PlanesOf(out, int64_t{size} * size);
  for (int channel = 0; channel < 3; ++channel) {
    float* __restrict values = planes.channel[channel];
    for (int64_t i = 0; i < planes.count; ++i) {
      values[i] = static_cast<float>(static_cast<int>(pixels[i] >> (8 * channel) & 255)) / 255.0f;
    }
  }
  ChangeByolColours(plan, planes);
  if (plan.sigma > 0) {
    float_blur_.Run(planes, size, GaussianKernel(plan.sigma, size / 20), Outside::kBlack);
  }
  if (plan.solarize) SolarizeByol(planes, static_cast<float>(options.solarize_threshold / 256));
}

void Augmenter::Run(const ColourOptions& options, const ColourPlan& plan,
                    const Normaliser& normaliser, bool flip, int size, uint32_t* pixels,
                    float* out) {
  const Planes planes = PlanesOf(out, int64_t{size} * size);
  if (!plan.changes_view()) {
    normaliser.Run(pixels, flip, size, out);
  } else if (options.style == Style::kByol) {
    Byol(options, plan, size, pixels, out);
    NormalisePlanes(planes, normaliser, 1, flip, size);
  } else if (options.backend == Backend::kFast) {
    Fast(options, plan, size, pixels, out);
    NormalisePlanes(planes, normaliser, 255, flip, size);
  } else {
    Reference(options, plan, size, pixels);
    normaliser.Run(pixels, flip, size, out);
  }
}

}  // namespace ocellus::data
