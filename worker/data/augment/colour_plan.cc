#include "worker/data/augment/colour_plan.h"

#include <algorithm>
#include <utility>

namespace ocellus::data {
namespace {

constexpr std::array<ColourOp, 4> kOps{ColourOp::kBrightness, ColourOp::kContrast,
                                       ColourOp::kSaturation, ColourOp::kHue};

// As torch.empty(1).uniform_(low, high): in fp32.
double Between(Draws& draws, double low, double high) {
  const float from = static_cast<float>(low);
  return draws.Uniform() * (static_cast<float>(high) - from) + from;
}

double Strength(const ColourOptions& options, ColourOp op) {
  switch (op) {
    case ColourOp::kBrightness:
      return options.brightness;
    case ColourOp::kContrast:
      return options.contrast;
    case ColourOp::kSaturation:
      return options.saturation;
    default:
      return options.hue;
  }
}

double DrawAmount(const ColourOptions& options, ColourOp op, Draws& draws) {
  const double strength = Strength(options, op);
  const bool added =
      op == ColourOp::kHue || (op == ColourOp::kBrightness && options.style == Style::kByol);
  if (added) return Between(draws, -strength, strength);
  return Between(draws, std::max(0.0, 1 - strength), 1 + strength);
}

}  // namespace

ColourPlan DrawColours(const ColourOptions& options, Draws& draws) {
  ColourPlan plan;
  plan.remove_background = draws.Uniform() < options.remove_background;
  const bool jitter = draws.Uniform() < options.color_jitter;
  std::array<ColourOp, 4> order = kOps;
  for (int last = 3; last > 0; --last) std::swap(order[last], order[draws.Below(last + 1)]);
  std::array<double, 4> amounts;
  for (const ColourOp op : kOps) {
    amounts[static_cast<int>(op)] = DrawAmount(options, op, draws);
  }
  for (const ColourOp op : order) {
    if (!jitter || Strength(options, op) == 0) continue;
    plan.steps[plan.step_count++] = {op, amounts[static_cast<int>(op)]};
  }
  plan.grayscale = draws.Uniform() < options.grayscale;
  const bool blur = draws.Uniform() < options.blur;
  const double sigma = Between(draws, options.blur_sigma[0], options.blur_sigma[1]);
  if (blur) plan.sigma = sigma;
  plan.solarize = draws.Uniform() < options.solarize;
  return plan;
}

}  // namespace ocellus::data
