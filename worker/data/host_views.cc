#include "worker/data/host_views.h"

#include <bit>
#include <cstring>

#include "worker/data/augment/float_blur.h"
#include "worker/data/resize.h"

namespace ocellus::data {
namespace {

// The words of a batch of crops of the result's size; pinned memory comes in powers of two.
int64_t PieceWords(const ViewOptions& options, int64_t samples) {
  const auto words = static_cast<uint64_t>(samples) * options.size * options.size;
  return static_cast<int64_t>(std::bit_ceil(words));
}

int64_t WordsOf(const ResizeAxis& axis) {
  return static_cast<int64_t>(axis.first.size() + axis.count.size() + axis.weight.size());
}

// Fills a part from its first word on.
class Filler {
 public:
  explicit Filler(const HostWords::Part& part) : to_(part.memory), at_(part.begin) {}

  int64_t at() const { return at_; }

  // Arrays of 32-bit values.
  void Put(const void* words, int64_t count) {
    std::memcpy(to_, words, 4 * count);
    to_ += 4 * count;
    at_ += count;
  }

  kernels::AugmentAxis Put(const ResizeAxis& axis) {
    const kernels::AugmentAxis begins{at_, axis.taps};
    for (const auto* part : {&axis.first, &axis.count, &axis.weight}) {
      Put(part->data(), static_cast<int64_t>(part->size()));
    }
    return begins;
  }

 private:
  std::byte* to_;
  int64_t at_;
};

// All of a record that needs no words.
kernels::AugmentView Drawn(const ViewPlan& plan, const ColourPlan& colours,
                           const ColourOptions& options) {
  kernels::AugmentView view{.width = plan.source.width,
                            .height = plan.source.height,
                            .step_count = colours.step_count,
                            .grayscale = colours.grayscale,
                            .flip = plan.flip};
  for (int s = 0; s < colours.step_count; ++s) {
    view.steps[s] = {colours.steps[s].op, static_cast<float>(colours.steps[s].amount)};
  }
  if (colours.solarize) view.solarize = static_cast<float>(options.solarize_threshold);
  return view;
}

}  // namespace

HostViews::HostViews(const ViewOptions& options, int64_t samples, const Allocate& allocate)
    : options(options),
      records(samples),
      words(std::make_shared<HostWords>(allocate, PieceWords(options, samples))) {}

void LeaveToDevice(const Pixels& pixels, const ViewPlan& plan, const ColourPlan& colours,
                   int64_t row, HostViews* views) {
  const ViewOptions& options = views->options;
  const auto axis = [&](int in, int out, int window) {
    return MakeAxis(in, out, window, options.size, options.interpolation, /*antialias=*/true);
  };
  const Rect& crop = plan.source;
  const ResizeAxis across = axis(crop.width, plan.out_width, plan.window_x);
  const ResizeAxis down = axis(crop.height, plan.out_height, plan.window_y);
  HalfKernel blur;
  if (colours.sigma > 0) blur = BoxKernel(static_cast<float>(colours.sigma));
  const auto blur_words = static_cast<int64_t>(blur.size());

  kernels::AugmentView view = Drawn(plan, colours, options.colours);
  Filler filler(views->words->Take(int64_t{crop.width} * crop.height + WordsOf(across) +
                                   WordsOf(down) + blur_words));
  view.source = filler.at();
  for (int y = 0; y < crop.height; ++y) filler.Put(pixels.At(crop.x, crop.y + y), crop.width);
  view.across = filler.Put(across);
  view.down = filler.Put(down);
  view.radius = static_cast<int32_t>(blur_words) - 1;
  view.blur = filler.at();
  if (blur_words > 0) filler.Put(blur.data(), blur_words);
  views->records[row] = view;
}

}  // namespace ocellus::data
