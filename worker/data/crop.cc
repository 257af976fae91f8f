#include "worker/data/crop.h"

#include <algorithm>
#include <cmath>

namespace ocellus::data {
namespace {

// As Python's round: halves go to the even neighbour.
int RoundHalfEven(double value) { return static_cast<int>(std::nearbyint(value)); }

// As torch.empty(1).uniform_(low, high): in fp32.
float UniformBetween(Draws& draws, float low, float high) {
  return draws.Uniform() * (high - low) + low;
}

// Logarithm and exponential go through double, whose rounding to fp32 is the same on every machine.
float LogFloat(double value) {
  return static_cast<float>(std::log(static_cast<double>(static_cast<float>(value))));
}

Rect CentralCrop(ImageSize image, const ViewOptions& view) {
  const double ratio = static_cast<double>(static_cast<float>(image.width)) / image.height;
  const auto [low, high] = std::minmax(view.crop_ratio[0], view.crop_ratio[1]);
  Rect crop{0, 0, image.width, image.height};
  if (ratio < low) crop.height = RoundHalfEven(crop.width / low);
  if (ratio > high) crop.width = RoundHalfEven(crop.height * high);
  crop.x = (image.width - crop.width) / 2;
  crop.y = (image.height - crop.height) / 2;
  return crop;
}

ViewPlan PlanCentre(ImageSize image, const ViewOptions& view) {
  const int side = static_cast<int>(view.size / 0.875);
  const int shorter = std::min(image.width, image.height);
  const auto scaled = [&](int length) {
    return static_cast<int>(static_cast<double>(int64_t{side} * length) / shorter);
  };
  ViewPlan plan;
  plan.source = {0, 0, image.width, image.height};
  plan.out_width = scaled(image.width);
  plan.out_height = scaled(image.height);
  plan.window_x = RoundHalfEven((plan.out_width - view.size) / 2.0);
  plan.window_y = RoundHalfEven((plan.out_height - view.size) / 2.0);
  return plan;
}

}  // namespace

Rect RandomResizedCrop(ImageSize image, const ViewOptions& view, Draws& draws) {
  constexpr int kTries = 10;
  const double area = static_cast<double>(image.width) * image.height;
  const float log_low = LogFloat(view.crop_ratio[0]);
  const float log_high = LogFloat(view.crop_ratio[1]);
  for (int i = 0; i < kTries; ++i) {
    const double target = area * UniformBetween(draws, static_cast<float>(view.crop_scale[0]),
                                                static_cast<float>(view.crop_scale[1]));
    const double log_ratio = UniformBetween(draws, log_low, log_high);
    const double ratio = static_cast<float>(std::exp(log_ratio));
    const int width = RoundHalfEven(std::sqrt(target * ratio));
    const int height = RoundHalfEven(std::sqrt(target / ratio));
    if (width <= 0 || width > image.width || height <= 0 || height > image.height) continue;
    const int y = static_cast<int>(draws.Below(image.height - height + 1));
    const int x = static_cast<int>(draws.Below(image.width - width + 1));
    return {x, y, width, height};
  }
  return CentralCrop(image, view);
}

ViewPlan PlanView(ImageSize image, const ViewOptions& view, Draws& draws) {
  if (!view.random) return PlanCentre(image, view);
  ViewPlan plan;
  plan.source = RandomResizedCrop(image, view, draws);
  plan.out_width = plan.out_height = view.size;
  plan.flip = draws.Uniform() < view.flip;
  return plan;
}

}  // namespace ocellus::data
