// From a resized view's pixels to its normalised planes, by way of a plan of colours.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/data/augment/box_blur.h"
#include "worker/data/augment/colour_plan.h"
#include "worker/data/augment/float_blur.h"
#include "worker/data/normaliser.h"
#include "worker/data/view.h"

namespace ocellus::data {

// Jitter in the plan's order, grayscale, blur, solarize, flip, normalise, in the options' style and
// by their backend. Keeps its buffers from image to image; one a thread.
class Augmenter {
 public:
  // `pixels` is [size, size] words as byte_colours.h has them, and is changed; `out` gets [3, size,
  // size].
  void Run(const ColourOptions& options, const ColourPlan& plan, const Normaliser& normaliser,
           bool flip, int size, uint32_t* pixels, float* out);

 private:
  void Reference(const ColourOptions& options, const ColourPlan& plan, int size, uint32_t* pixels);
  void Fast(const ColourOptions& options, const ColourPlan& plan, int size, const uint32_t* pixels,
            float* out);
  void Byol(const ColourOptions& options, const ColourPlan& plan, int size, const uint32_t* pixels,
            float* out);

  BoxBlur box_blur_;
  FloatBlur float_blur_;
};

}  // namespace ocellus::data
