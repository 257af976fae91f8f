// Pillow's and torchvision's colour changes, to the bit. (torchvision.transforms.functional on a
// Pillow image; Pillow's Blend.c, Convert.c, ImageEnhance.py, ImageOps.py.)
//
// A pixel is a word: red in the lowest byte, then green, blue, and one that means nothing and comes
// out as 0. Each function changes `count` pixels in their place.
#pragma once

#include <cstdint>

namespace ocellus::data {

void AdjustBrightness(uint32_t* pixels, int64_t count, float factor);
void AdjustContrast(uint32_t* pixels, int64_t count, float factor);
void AdjustSaturation(uint32_t* pixels, int64_t count, float factor);

// `factor` in [-0.5, 0.5]. Goes through 8-bit hue and saturation, which changes colours even at 0.
void AdjustHue(uint32_t* pixels, int64_t count, double factor);

void ToGrayscale(uint32_t* pixels, int64_t count);

// Values from `threshold` up are taken from 255.
void Solarize(uint32_t* pixels, int64_t count, double threshold);

}  // namespace ocellus::data
