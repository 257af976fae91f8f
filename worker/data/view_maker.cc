#include "worker/data/view_maker.h"

#include <algorithm>

#include "worker/data/augment/background.h"

namespace ocellus::data {
namespace {

Rect Cover(const Rect& a, const Rect& b) {
  const int x = std::min(a.x, b.x);
  const int y = std::min(a.y, b.y);
  return {x, y, std::max(a.x + a.width, b.x + b.width) - x,
          std::max(a.y + a.height, b.y + b.height) - y};
}

bool WantsMask(const std::vector<PreparedView>& views) {
  return std::any_of(views.begin(), views.end(), [](const PreparedView& view) {
    return view.options.random && view.options.colours.remove_background > 0;
  });
}

}  // namespace

void ViewMaker::Plan(ImageSize size, const std::vector<PreparedView>& views, uint64_t seed,
                     Place place) {
  plans_.clear();
  colours_.clear();
  for (const PreparedView& view : views) {
    const ViewOptions& options = view.options;
    Draws draws(seed, place.epoch, place.n, options.name);
    plans_.push_back(PlanView(size, options, draws));
    colours_.emplace_back();
    if (!options.random || !options.colours.any()) continue;
    Draws of_colours(seed, place.epoch, place.n, options.name + "/colours");
    colours_.back() = DrawColours(options.colours, of_colours);
  }
}

bool ViewMaker::RemoveBackgrounds(const Sample& sample, bool* removed, std::string* problem) {
  *removed = false;
  const bool wanted =
      !sample.mask.empty() && std::any_of(colours_.begin(), colours_.end(),
                                          [](const ColourPlan& c) { return c.remove_background; });
  return !wanted || RemoveBackground(sample.mask, pixels_, &object_, removed, problem);
}

void ViewMaker::MakeView(const PreparedView& view, const Pixels& pixels, const ViewPlan& plan,
                         const ColourPlan& colours, const ViewOut& out) {
  if (const auto* left = std::get_if<HostRow>(&out)) {
    return LeaveToDevice(pixels, plan, colours, left->row, left->views);
  }
  float* values = std::get<float*>(out);
  const ViewOptions& options = view.options;
  const bool antialias = !options.random || options.colours.style == Style::kTorchvision;
  if (antialias && !colours.changes_view()) {
    resizer_.Run(pixels, plan, options.size, options.interpolation, view.normaliser, values);
    return;
  }
  resized_.resize(static_cast<size_t>(options.size) * options.size);
  resizer_.Resize(pixels, plan, options.size, options.interpolation, antialias, resized_.data());
  augmenter_.Run(options.colours, colours, view.normaliser, plan.flip, options.size,
                 resized_.data(), values);
}

bool ViewMaker::Make(const Sample& sample, int64_t max_pixels,
                     const std::vector<PreparedView>& views, uint64_t seed, Place place,
                     const std::vector<ViewOut>& out, std::string* problem) {
  ImageSize size;
  if (!decoder_.Open(sample.image, max_pixels, &size, problem)) return false;
  // Whatever is drawn, so that a bad mask is bad in every epoch.
  if (!sample.mask.empty() && WantsMask(views) && !CheckMask(sample.mask, size, problem)) {
    return false;
  }
  Plan(size, views, seed, place);
  // With no view wanted the image is still decoded, so that a bad one is bad for every objective.
  Rect needed = plans_.empty() ? Rect{0, 0, size.width, size.height} : plans_[0].source;
  for (const ViewPlan& plan : plans_) needed = Cover(needed, plan.source);
  if (!decoder_.Decode(needed, &pixels_, problem)) return false;
  bool removed = false;
  if (!RemoveBackgrounds(sample, &removed, problem)) return false;
  for (size_t v = 0; v < views.size(); ++v) {
    const bool bare = removed && colours_[v].remove_background;
    MakeView(views[v], bare ? object_ : pixels_, plans_[v], colours_[v], out[v]);
  }
  return true;
}

}  // namespace ocellus::data
