// What happens to the colours of one view: the parameters, drawn.
#pragma once

#include <array>

#include "kernels/augment.h"
#include "worker/data/draws.h"
#include "worker/data/view.h"

namespace ocellus::data {

using ColourOp = kernels::ColourChange;

struct ColourStep {
  ColourOp op = ColourOp::kBrightness;
  // A factor; of hue, and of brightness in BYOL's style, what is added.
  double amount = 0;
};

struct ColourPlan {
  bool remove_background = false;
  std::array<ColourStep, 4> steps;  // in the order of their use
  int step_count = 0;               // 0: no jitter
  bool grayscale = false;
  double sigma = 0;  // 0: no blur
  bool solarize = false;

  // Whether it changes a resized view; the background is removed before.
  bool changes_view() const { return step_count > 0 || grayscale || sigma > 0 || solarize; }
};

// `draws` is the sample's stream for it. Always the same words are taken, whatever is switched on
// (FORMAT.md), so that one change more or less leaves the others as they were. A step of strength 0
// is left out, as torchvision's ColorJitter does.
ColourPlan DrawColours(const ColourOptions& options, Draws& draws);

}  // namespace ocellus::data
