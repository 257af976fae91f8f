// From one sample to all of its views.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "worker/data/augment/augmenter.h"
#include "worker/data/dataset.h"
#include "worker/data/host_views.h"
#include "worker/data/image_decoder.h"
#include "worker/data/resize.h"
#include "worker/data/sampler.h"
#include "worker/data/view.h"

namespace ocellus::data {

// The tables of a view, made once and shared by the threads.
struct PreparedView {
  explicit PreparedView(const ViewOptions& view) : options(view), normaliser(view) {}
  ViewOptions options;
  Normaliser normaliser;
};

struct HostRow {
  HostViews* views = nullptr;
  int64_t row = 0;
};

// Where a view goes: made, as [3, size, size] values, or left to the device.
using ViewOut = std::variant<float*, HostRow>;

// Keeps decoder and buffers; one a thread.
class ViewMaker {
 public:
  // Decodes what the views' crops cover, once, and writes view v to out[v], a row where it is
  // on_device(). The crop and the colours of a view depend on (seed, place, its name) and the
  // image's size alone. False with a one-line `problem` for a bad image or mask; `out` is then
  // undefined.
  bool Make(const Sample& sample, int64_t max_pixels, const std::vector<PreparedView>& views,
            uint64_t seed, Place place, const std::vector<ViewOut>& out, std::string* problem);

 private:
  void Plan(ImageSize size, const std::vector<PreparedView>& views, uint64_t seed, Place place);
  bool RemoveBackgrounds(const Sample& sample, bool* removed, std::string* problem);
  void MakeView(const PreparedView& view, const Pixels& pixels, const ViewPlan& plan,
                const ColourPlan& colours, const ViewOut& out);

  ImageDecoder decoder_;
  Resizer resizer_;
  Augmenter augmenter_;
  Pixels pixels_;
  Pixels object_;  // pixels_ without the background
  std::vector<uint32_t> resized_;
  std::vector<ViewPlan> plans_;
  std::vector<ColourPlan> colours_;
};

}  // namespace ocellus::data
