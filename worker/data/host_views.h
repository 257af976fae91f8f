// Views of a batch that the host leaves to the device (kernels/augment.h): it decodes, draws and
// crops, and the device does all the rest.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/augment.h"
#include "worker/data/augment/colour_plan.h"
#include "worker/data/crop.h"
#include "worker/data/host_words.h"
#include "worker/data/pixels.h"
#include "worker/data/view.h"

namespace ocellus::data {

struct HostViews {
  // Of `samples` views with these options, none of which is there yet.
  HostViews(const ViewOptions& options, int64_t samples, const Allocate& allocate);

  ViewOptions options;
  std::vector<kernels::AugmentView> records;  // [samples]
  // Of each record its crop, the tables of its resize and the weights of its blur (fp32): pixels,
  // tables and weights of kernels::AugmentArgs all begin at the first word.
  std::shared_ptr<HostWords> words;
};

// Record `row` of `views`, of what is planned for an image whose `pixels` hold plan.source. Threads
// may add different rows at once.
void LeaveToDevice(const Pixels& pixels, const ViewPlan& plan, const ColourPlan& colours,
                   int64_t row, HostViews* views);

}  // namespace ocellus::data
