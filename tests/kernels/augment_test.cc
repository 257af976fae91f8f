// Views that can be worked out by hand; tests/worker/data/augment holds the rest to the loader's
// own back end.
#include "kernels/augment.h"

#include <gtest/gtest.h>

#include "tests/kernels/augment_cases.h"

namespace ocellus::kernels {
namespace {

// Two by two pixels, unchanged in size.
struct TwoByTwo {
  std::vector<uint32_t> pixels = {0x000000ff, 0x0000ff00, 0x00ff0000, 0x00204060};
  std::vector<int32_t> tables = {0, 1, 1, 1, 1 << 22, 1 << 22};
  std::vector<float> weights = {0.5f, 0.25f};
  AugmentView view{.width = 2, .height = 2, .across = {0, 1}, .down = {0, 1}};

  // Channel values before normalisation, [3, 2, 2].
  std::vector<float> Run() const {
    Array out(12);
    const AugmentArgs args{.count = 1,
                           .views = &view,
                           .pixels = pixels.data(),
                           .tables = tables.data(),
                           .weights = weights.data(),
                           .size = 2,
                           .std = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f},
                           .out = out.data()};
    cpu::Augment(args, Serially);
    std::vector<float> values;
    for (int64_t i = 0; i < 12; ++i) values.push_back(std::round(out.At(i) * 100) / 100);
    return values;
  }
};

TEST(AugmentTest, KeepsWhatNothingChanges) {
  EXPECT_EQ(TwoByTwo().Run(), (std::vector<float>{255, 0, 0, 96, 0, 255, 0, 64, 0, 0, 255, 32}));
}

TEST(AugmentTest, FlipsSolarizesAndBlurs) {
  TwoByTwo flipped;
  flipped.view.flip = true;
  EXPECT_EQ(flipped.Run(), (std::vector<float>{0, 255, 96, 0, 255, 0, 64, 0, 0, 0, 32, 255}));
  TwoByTwo solarized;
  solarized.view.solarize = 96;
  EXPECT_EQ(solarized.Run(), (std::vector<float>{0, 0, 0, 159, 0, 0, 0, 64, 0, 0, 0, 32}));
  TwoByTwo blurred;  // (3 a + b) / 4 across, then down, as the edge's values go on
  blurred.view.radius = 1;
  const std::vector<float> values = blurred.Run();
  EXPECT_NEAR(values[0], (9 * 255 + 96) / 16.0, 0.02);
  EXPECT_NEAR(values[3], (255 + 9 * 96) / 16.0, 0.02);
}

TEST(AugmentTest, ChangesColoursInTheirOrder) {
  TwoByTwo bright;
  bright.view.steps[0] = {ColourChange::kBrightness, 0.5f};
  bright.view.step_count = 1;
  EXPECT_EQ(bright.Run()[3], 48);
  TwoByTwo turned;  // by a third: red becomes green
  turned.view.steps[0] = {ColourChange::kHue, 1 / 3.0f};
  turned.view.step_count = 1;
  EXPECT_EQ(turned.Run()[0], 0);
  EXPECT_EQ(turned.Run()[4], 255);
  TwoByTwo gray;  // lumas 76, 150, 29, 70: their mean is 81
  gray.view.steps[0] = {ColourChange::kContrast, 0};
  gray.view.step_count = 1;
  EXPECT_EQ(gray.Run(), std::vector<float>(12, 81));
  gray.view.step_count = 0;
  gray.view.grayscale = true;
  EXPECT_EQ(gray.Run()[1], 150);
}

TEST(AugmentTest, WritesBFloat16) {
  for (const AugmentCase& c : AugmentCases()) {
    Array exact(c.Numbers()), rounded(c.Numbers(), Element::kBFloat16);
    cpu::Augment(c.Args(exact, nullptr), Serially);
    cpu::Augment(c.Args(rounded, nullptr), Serially);
    for (int64_t i = 0; i < exact.size(); ++i) {
      ASSERT_NEAR(rounded.At(i), exact.At(i), 8e-3 * std::max(1.0f, std::abs(exact.At(i))));
    }
  }
}

}  // namespace
}  // namespace ocellus::kernels
