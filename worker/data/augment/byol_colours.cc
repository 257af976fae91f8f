#include "worker/data/augment/byol_colours.h"

#include <algorithm>

#include "kernels/colours.h"

namespace ocellus::data {
namespace {

using kernels::ColourCircle;
using kernels::FromCircle;
using kernels::ToCircle;

float Cut(float value) { return std::min(std::max(value, 0.0f), 1.0f); }

// In sixteen parts, so that vectors of any width give the same sum.
float Mean(const float* values, int64_t count) {
  constexpr int kLanes = 16;
  double sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) sums[lane] += values[i + lane];
  }
  double sum = 0;
  for (; i < count; ++i) sum += values[i];
  for (const double part : sums) sum += part;
  return static_cast<float>(sum / static_cast<double>(count));
}

void Brighten(const Planes& planes, float added) {
  for (float* __restrict values : planes.channel) {
    for (int64_t i = 0; i < planes.count; ++i) values[i] = Cut(values[i] + added);
  }
}

void Contrast(const Planes& planes, float factor) {
  for (float* __restrict values : planes.channel) {
    const float mean = Mean(values, planes.count);
    for (int64_t i = 0; i < planes.count; ++i) values[i] = Cut(mean + factor * (values[i] - mean));
  }
}

void TurnAndSaturate(const Planes& planes, float turn, float factor) {
  float* __restrict red = planes.channel[0];
  float* __restrict green = planes.channel[1];
  float* __restrict blue = planes.channel[2];
  const float sixths = 6 * turn + 6;  // keeps FromCircle's argument above 0
  for (int64_t i = 0; i < planes.count; ++i) {
    const ColourCircle c = ToCircle(red[i], green[i], blue[i]);
    const float hue = c.hue + sixths;
    const float saturation = Cut(c.saturation * factor);
    red[i] = Cut(FromCircle(hue, saturation, c.value, 5));
    green[i] = Cut(FromCircle(hue, saturation, c.value, 3));
    blue[i] = Cut(FromCircle(hue, saturation, c.value, 1));
  }
}

void MakeGray(const Planes& planes) {
  for (int64_t i = 0; i < planes.count; ++i) {
    const float gray = 0.2989f * planes.channel[0][i] + 0.587f * planes.channel[1][i] +
                       0.114f * planes.channel[2][i];
    planes.channel[0][i] = planes.channel[1][i] = planes.channel[2][i] = gray;
  }
}

}  // namespace

void ChangeByolColours(const ColourPlan& plan, const Planes& planes) {
  for (int s = 0; s < plan.step_count; ++s) {
    const float amount = static_cast<float>(plan.steps[s].amount);
    switch (plan.steps[s].op) {
      case ColourOp::kBrightness:
        Brighten(planes, amount);
        break;
      case ColourOp::kContrast:
        Contrast(planes, amount);
        break;
      case ColourOp::kSaturation:
        TurnAndSaturate(planes, 0, amount);
        break;
      case ColourOp::kHue:
        TurnAndSaturate(planes, amount, 1);
        break;
    }
  }
  if (plan.grayscale) MakeGray(planes);
}

void SolarizeByol(const Planes& planes, float threshold) {
  for (float* __restrict values : planes.channel) {
    for (int64_t i = 0; i < planes.count; ++i) {
      values[i] = values[i] < threshold ? values[i] : 1 - values[i];
    }
  }
}

}  // namespace ocellus::data
