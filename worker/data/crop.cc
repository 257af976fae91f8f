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

struct Side {
  int width, height;
};

// A size of an area uniform in crop_scale and of a ratio log-uniform in crop_ratio.
Side DrawSide(ImageSize image, const ViewOptions& view, Draws& draws) {
  const double area = static_cast<double>(image.width) * image.height;
  const double target = area * UniformBetween(draws, static_cast<float>(view.crop_scale[0]),
                                              static_cast<float>(view.crop_scale[1]));
  const double log_ratio =
      UniformBetween(draws, LogFloat(view.crop_ratio[0]), LogFloat(view.crop_ratio[1]));
  const double ratio = static_cast<float>(std::exp(log_ratio));
  return {RoundHalfEven(std::sqrt(target * ratio)), RoundHalfEven(std::sqrt(target / ratio))};
}

Rect Place(ImageSize image, Side side, Draws& draws) {
  const int y = static_cast<int>(draws.Below(image.height - side.height + 1));
  const int x = static_cast<int>(draws.Below(image.width - side.width + 1));
  return {x, y, side.width, side.height};
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
  for (int i = 0; i < kTries; ++i) {
    const auto [width, height] = DrawSide(image, view, draws);
    if (width <= 0 || width > image.width || height <= 0 || height > image.height) continue;
    return Place(image, {width, height}, draws);
  }
  return CentralCrop(image, view);
}

Rect SingleDrawCrop(ImageSize image, const ViewOptions& view, Draws& draws) {
  const auto [width, height] = DrawSide(image, view, draws);
  return Place(image, {std::clamp(width, 1, image.width), std::clamp(height, 1, image.height)},
               draws);
}

ViewPlan PlanView(ImageSize image, const ViewOptions& view, Draws& draws) {
  if (!view.random) return PlanCentre(image, view);
  ViewPlan plan;
  const bool byol = view.colours.style == Style::kByol;
  plan.source = byol ? SingleDrawCrop(image, view, draws) : RandomResizedCrop(image, view, draws);
  plan.out_width = plan.out_height = view.size;
  plan.flip = draws.Uniform() < view.flip;
  return plan;
}

}  // namespace ocellus::data
