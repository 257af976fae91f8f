#include "worker/data/augment/float_colours.h"

#include <algorithm>
#include <cmath>

#include "kernels/colours.h"

namespace ocellus::data {
namespace {

constexpr int64_t kBlock = 1024;  // pixels that go through all steps while they are in the cache

using kernels::ColourCircle;
using kernels::FromCircle;
using kernels::Luma;
using kernels::ToCircle;
using kernels::Whole;

void Load(const uint32_t* pixels, const Planes& to) {
  for (int channel = 0; channel < 3; ++channel) {
    float* __restrict out = to.channel[channel];
    for (int64_t i = 0; i < to.count; ++i) {
      out[i] = static_cast<float>(static_cast<int>(pixels[i] >> (8 * channel) & 255));
    }
  }
}

void BlendWith(float degenerate, const Planes& planes, float factor) {
  for (float* __restrict values : planes.channel) {
    for (int64_t i = 0; i < planes.count; ++i) {
      values[i] = kernels::Blend(degenerate, values[i], factor);
    }
  }
}

void Saturate(const Planes& planes, float factor) {
  float* __restrict red = planes.channel[0];
  float* __restrict green = planes.channel[1];
  float* __restrict blue = planes.channel[2];
  for (int64_t i = 0; i < planes.count; ++i) {
    const float gray = Luma(red[i], green[i], blue[i]);
    red[i] = kernels::Blend(gray, red[i], factor);
    green[i] = kernels::Blend(gray, green[i], factor);
    blue[i] = kernels::Blend(gray, blue[i], factor);
  }
}

void TurnHue(const Planes& planes, float turn) {
  float* __restrict red = planes.channel[0];
  float* __restrict green = planes.channel[1];
  float* __restrict blue = planes.channel[2];
  const float sixths = 6 * turn + 6;  // keeps FromCircle's argument above 0
  for (int64_t i = 0; i < planes.count; ++i) {
    const ColourCircle c = ToCircle(red[i], green[i], blue[i]);
    const float hue = c.hue + sixths;
    red[i] = Whole(FromCircle(hue, c.saturation, c.value, 5) + 0.5f);
    green[i] = Whole(FromCircle(hue, c.saturation, c.value, 3) + 0.5f);
    blue[i] = Whole(FromCircle(hue, c.saturation, c.value, 1) + 0.5f);
  }
}

void MakeGray(const Planes& planes) {
  for (int64_t i = 0; i < planes.count; ++i) {
    const float gray = Luma(planes.channel[0][i], planes.channel[1][i], planes.channel[2][i]);
    planes.channel[0][i] = planes.channel[1][i] = planes.channel[2][i] = gray;
  }
}

int64_t SumOfLuma(const Planes& planes) {
  int32_t sum = 0;  // of a block at most 1024 x 255
  for (int64_t i = 0; i < planes.count; ++i) {
    sum += static_cast<int32_t>(
        Luma(planes.channel[0][i], planes.channel[1][i], planes.channel[2][i]));
  }
  return sum;
}

void Apply(const ColourStep& step, float gray, const Planes& planes) {
  const float amount = static_cast<float>(step.amount);
  switch (step.op) {
    case ColourOp::kBrightness:
      return BlendWith(0, planes, amount);
    case ColourOp::kContrast:
      return BlendWith(gray, planes, amount);
    case ColourOp::kSaturation:
      return Saturate(planes, amount);
    case ColourOp::kHue:
      return TurnHue(planes, amount);
  }
}

template <typename Body>
void ForBlocks(const Planes& planes, Body body) {
  for (int64_t first = 0; first < planes.count; first += kBlock) {
    body(first, planes.Part(first, std::min(kBlock, planes.count - first)));
  }
}

}  // namespace

// Contrast needs a mean of the whole image: what comes before it is a first pass over the blocks.
void ChangeColours(const uint32_t* pixels, const ColourPlan& plan, const Planes& out) {
  int contrast = plan.step_count;
  for (int s = 0; s < plan.step_count; ++s) {
    if (plan.steps[s].op == ColourOp::kContrast) contrast = s;
  }
  const bool has_contrast = contrast < plan.step_count;
  int64_t sum = 0;
  ForBlocks(out, [&](int64_t first, const Planes& block) {
    Load(pixels + first, block);
    for (int s = 0; s < contrast; ++s) Apply(plan.steps[s], 0, block);
    if (has_contrast) sum += SumOfLuma(block);
    if (!has_contrast && plan.grayscale) MakeGray(block);
  });
  if (!has_contrast) return;
  const float gray = static_cast<float>(std::floor(static_cast<double>(sum) / out.count + 0.5));
  ForBlocks(out, [&](int64_t, const Planes& block) {
    for (int s = contrast; s < plan.step_count; ++s) Apply(plan.steps[s], gray, block);
    if (plan.grayscale) MakeGray(block);
  });
}

void SolarizeFloat(const Planes& planes, float threshold) {
  for (float* __restrict values : planes.channel) {
    for (int64_t i = 0; i < planes.count; ++i) {
      values[i] = values[i] < threshold ? values[i] : 255 - values[i];
    }
  }
}

}  // namespace ocellus::data
