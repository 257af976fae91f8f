// BYOL's and ReLICv2's colour changes: on floats in [0, 1], cut to that range after each
// (deepmind-research/byol utils/augmentations.py).
#pragma once

#include "worker/data/augment/colour_plan.h"
#include "worker/data/augment/planes.h"

namespace ocellus::data {

// The plan's steps, then its grayscale, in place: brightness is added, contrast is about each
// channel's own mean, saturation and hue are those of the colour circle.
void ChangeByolColours(const ColourPlan& plan, const Planes& planes);

// In place: values from `threshold` up are taken from 1.
void SolarizeByol(const Planes& planes, float threshold);

}  // namespace ocellus::data
