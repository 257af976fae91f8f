#include "worker/data/view_maker.h"

#include <algorithm>

namespace ocellus::data {
namespace {

Rect Cover(const Rect& a, const Rect& b) {
  const int x = std::min(a.x, b.x);
  const int y = std::min(a.y, b.y);
  return {x, y, std::max(a.x + a.width, b.x + b.width) - x,
          std::max(a.y + a.height, b.y + b.height) - y};
}

}  // namespace

bool ViewMaker::Make(const Sample& sample, int64_t max_pixels,
                     const std::vector<PreparedView>& views, uint64_t seed, Place place,
                     const std::vector<float*>& out, std::string* problem) {
  ImageSize size;
  if (!decoder_.Open(sample.image, max_pixels, &size, problem)) return false;
  plans_.clear();
  for (const PreparedView& view : views) {
    Draws draws(seed, place.epoch, place.n, view.options.name);
    plans_.push_back(PlanView(size, view.options, draws));
  }
  // With no view wanted the image is still decoded, so that a bad one is bad for every objective.
  Rect needed = plans_.empty() ? Rect{0, 0, size.width, size.height} : plans_[0].source;
  for (const ViewPlan& plan : plans_) needed = Cover(needed, plan.source);
  if (!decoder_.Decode(needed, &pixels_, problem)) return false;
  for (size_t v = 0; v < views.size(); ++v) {
    resizer_.Run(pixels_, plans_[v], views[v].options.size, views[v].options.interpolation,
                 views[v].normaliser, out[v]);
  }
  return true;
}

}  // namespace ocellus::data
