// The kernel's views beside those that the loader's fast back end makes of the same draws.
#include "models/ops/augment.h"

#include <gtest/gtest.h>

#include <cstring>

#include "worker/data/augment/augmenter.h"
#include "worker/data/resize.h"

namespace ocellus::models::ops {
namespace {

using data::Interpolation;

constexpr int kSize = 32;

struct Wish {
  data::Rect crop;
  data::ColourPlan colours;
  bool flip = false;
};

data::Pixels Picture(int width, int height) {
  data::Pixels pixels{{0, 0, width, height}, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int wave = 40 + (x * 7 + y * 3) % 150;
      for (const int value : {wave, (wave * 5 + 2 * x) % 256, (200 + y) % 256, 0}) {
        pixels.bytes.push_back(static_cast<uint8_t>(value));
      }
    }
  }
  return pixels;
}

data::ViewPlan PlanOf(const Wish& wish) {
  return {.source = wish.crop, .out_width = kSize, .out_height = kSize, .flip = wish.flip};
}

std::vector<Wish> Wishes() {
  using data::ColourOp;
  data::ColourPlan jitter, other, plain;
  jitter.steps = {{{ColourOp::kHue, 0.08},
                   {ColourOp::kContrast, 1.3},
                   {ColourOp::kBrightness, 0.8},
                   {ColourOp::kSaturation, 1.2}}};
  jitter.step_count = 4;
  jitter.sigma = 1.1;
  other.steps[0] = {ColourOp::kSaturation, 0.4};
  other.step_count = 1;
  other.solarize = true;
  plain.grayscale = true;
  plain.sigma = 0.3;
  return {{{3, 5, 60, 41}, jitter, true},
          {{0, 0, 20, 64}, other, false},
          {{30, 1, 33, 33}, plain, true},
          {{7, 9, 80, 50}, {}, false}};
}

kernels::AugmentAxis Append(const data::ResizeAxis& axis, std::vector<int32_t>* tables) {
  const kernels::AugmentAxis at{static_cast<int64_t>(tables->size()), axis.taps};
  for (const auto* part : {&axis.first, &axis.count}) {
    tables->insert(tables->end(), part->begin(), part->end());
  }
  tables->insert(tables->end(), axis.weight.begin(), axis.weight.end());
  return at;
}

UndoneViews Undone(const data::Pixels& picture, const data::ViewOptions& options) {
  UndoneViews undone{.size = kSize, .mean = options.mean, .std = options.std};
  std::vector<int32_t> words, tables;
  std::vector<float> weights;
  for (const Wish& wish : Wishes()) {
    kernels::AugmentView view{.source = static_cast<int64_t>(words.size()),
                              .width = wish.crop.width,
                              .height = wish.crop.height};
    for (int y = 0; y < wish.crop.height; ++y) {
      words.resize(words.size() + wish.crop.width);
      std::memcpy(words.data() + words.size() - wish.crop.width,
                  picture.At(wish.crop.x, wish.crop.y + y), size_t{4} * wish.crop.width);
    }
    const auto axis = [&](int in) {
      return Append(data::MakeAxis(in, kSize, 0, kSize, Interpolation::kBicubic, true), &tables);
    };
    view.across = axis(wish.crop.width);
    view.down = axis(wish.crop.height);
    view.step_count = wish.colours.step_count;
    for (int s = 0; s < view.step_count; ++s) {
      view.steps[s] = {static_cast<kernels::ColourChange>(wish.colours.steps[s].op),
                       static_cast<float>(wish.colours.steps[s].amount)};
    }
    view.grayscale = wish.colours.grayscale;
    view.flip = wish.flip;
    if (wish.colours.solarize) view.solarize = 128;
    if (wish.colours.sigma > 0) {
      const data::HalfKernel kernel = data::BoxKernel(static_cast<float>(wish.colours.sigma));
      view.radius = static_cast<int32_t>(kernel.size()) - 1;
      view.blur = static_cast<int64_t>(weights.size());
      weights.insert(weights.end(), kernel.begin(), kernel.end());
    }
    undone.views.push_back(view);
  }
  undone.pixels = torch::tensor(words, torch::kInt32);
  undone.tables = torch::tensor(tables, torch::kInt32);
  undone.weights = torch::tensor(weights, torch::kFloat32);
  return undone;
}

TEST(Augment, MakesTheFastBackEndsViews) {
  data::ViewOptions options;
  options.size = kSize;
  options.colours.backend = data::Backend::kFast;
  const data::Pixels picture = Picture(90, 70);
  const torch::Tensor got = Augment(Undone(picture, options), torch::kCPU, torch::kFloat32);
  const data::Normaliser normaliser(options);
  data::Resizer resizer;
  data::Augmenter augmenter;
  int64_t v = 0;
  for (const Wish& wish : Wishes()) {
    std::vector<uint32_t> resized(kSize * kSize);
    resizer.Resize(picture, PlanOf(wish), kSize, Interpolation::kBicubic, true, resized.data());
    const torch::Tensor want = torch::empty({3, kSize, kSize});
    augmenter.Run(options.colours, wish.colours, normaliser, wish.flip, kSize, resized.data(),
                  want.data_ptr<float>());
    // A product that rounds otherwise may turn a byte into its neighbour, here and there, which a
    // blur spreads.
    const torch::Tensor off = (got[v++] - want).abs() * (255 * 0.22);
    EXPECT_LT(off.max().item<float>(), 1.01) << v;
    EXPECT_LT(off.mean().item<float>(), 0.05) << v;
    EXPECT_GT(want.std().item<float>(), 0.1) << v;
  }
}

TEST(Augment, TakesNoViews) {
  UndoneViews none{.pixels = torch::empty({0}, torch::kInt32),
                   .tables = torch::empty({0}, torch::kInt32),
                   .weights = torch::empty({0}),
                   .size = 8};
  EXPECT_EQ(Augment(none, torch::kCPU, torch::kBFloat16).sizes(),
            (std::vector<int64_t>{0, 3, 8, 8}));
}

}  // namespace
}  // namespace ocellus::models::ops
