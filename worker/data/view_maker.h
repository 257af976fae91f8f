// From one sample to all of its views.
#pragma once

#include <string>
#include <vector>

#include "worker/data/dataset.h"
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

// Keeps decoder and buffers; one a thread.
class ViewMaker {
 public:
  // Decodes what the views' crops cover, once, and writes view v as [3, size, size] to out[v]. The
  // crop of a view depends on (seed, place, its name) and the image's size alone. False with a
  // one-line `problem` for a bad image; `out` is then undefined.
  bool Make(const Sample& sample, int64_t max_pixels, const std::vector<PreparedView>& views,
            uint64_t seed, Place place, const std::vector<float*>& out, std::string* problem);

 private:
  ImageDecoder decoder_;
  Resizer resizer_;
  Pixels pixels_;
  std::vector<ViewPlan> plans_;
};

}  // namespace ocellus::data
