// torchvision's colour changes in float, for speed: values 0 to 255, blends cut to whole numbers as
// Pillow's are, hue turned without 8-bit steps. Statistically the same as byte_colours.h.
#pragma once

#include <cstdint>

#include "worker/data/augment/colour_plan.h"
#include "worker/data/augment/planes.h"

namespace ocellus::data {

// `pixels` as byte_colours.h has them become `out`, with the plan's steps and its grayscale done.
void ChangeColours(const uint32_t* pixels, const ColourPlan& plan, const Planes& out);

// In place: values from `threshold` up are taken from 255.
void SolarizeFloat(const Planes& planes, float threshold);

}  // namespace ocellus::data
