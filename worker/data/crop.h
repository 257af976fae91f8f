// Which part of an image a view shows, decided from the header alone.
#pragma once

#include "worker/data/draws.h"
#include "worker/data/pixels.h"
#include "worker/data/view.h"

namespace ocellus::data {

// The whole of `source` is resized to out_width x out_height, of which the window of the view's
// size at (window_x, window_y) is kept, mirrored when `flip`.
struct ViewPlan {
  Rect source;
  int out_width = 0;
  int out_height = 0;
  int window_x = 0;
  int window_y = 0;
  bool flip = false;
};

// torchvision.transforms.RandomResizedCrop.get_params: ten tries at an area uniform in crop_scale
// and a ratio log-uniform in crop_ratio, rounded half to even; then the central crop of a clamped
// ratio.
Rect RandomResizedCrop(ImageSize image, const ViewOptions& view, Draws& draws);

// BYOL's crop: one draw of area and ratio, each side cut to the image's.
Rect SingleDrawCrop(ImageSize image, const ViewOptions& view, Draws& draws);

// Crop and flip of one sample, in the style of its colours: `draws` is the sample's stream of the
// view's name. With view.random false nothing is drawn: torchvision's Resize(int(size / 0.875)) and
// CenterCrop(size).
ViewPlan PlanView(ImageSize image, const ViewOptions& view, Draws& draws);

}  // namespace ocellus::data
