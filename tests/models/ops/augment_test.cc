// The kernel's views beside those that the loader's fast back end makes of the same draws.
#include "models/ops/augment.h"

#include <gtest/gtest.h>

#include "worker/data/augment/augmenter.h"
#include "worker/data/host_views.h"
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

// In pieces of which none has room for all.
UndoneViews Undone(const data::Pixels& picture, const data::ViewOptions& options) {
  const std::vector<Wish> wishes = Wishes();
  data::HostViews host(options, static_cast<int64_t>(wishes.size()), [](size_t bytes) {
    return std::shared_ptr<std::byte[]>(new std::byte[bytes]);
  });
  for (size_t v = 0; v < wishes.size(); ++v) {
    data::LeaveToDevice(picture, PlanOf(wishes[v]), wishes[v].colours, static_cast<int64_t>(v),
                        &host);
  }
  UndoneViews undone{
      .views = host.records, .size = kSize, .mean = options.mean, .std = options.std};
  for (const auto& [memory, words] : host.words->pieces()) {
    undone.words.push_back(torch::from_blob(memory.get(), {words}, torch::kInt32).clone());
  }
  EXPECT_GT(undone.words.size(), 1u);
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
  EXPECT_EQ(Augment({.size = 8}, torch::kCPU, torch::kBFloat16).sizes(),
            (std::vector<int64_t>{0, 3, 8, 8}));
}

}  // namespace
}  // namespace ocellus::models::ops
