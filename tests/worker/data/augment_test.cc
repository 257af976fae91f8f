// Colours by their statistics, BYOL's by their definition. (Byte equality with Pillow and
// torchvision: tests/parity/test_augment.py.)
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>

#include "tests/worker/data/test_images.h"
#include "worker/data/augment/augmenter.h"
#include "worker/data/augment/byol_colours.h"
#include "worker/data/crop.h"

namespace ocellus::data {
namespace {

constexpr int kDraws = 20000;

ColourOptions Everything(Style style) {
  ColourOptions options;
  options.style = style;
  options.color_jitter = 0.8;
  options.brightness = 0.4;
  options.contrast = 0.4;
  options.saturation = 0.2;
  options.hue = 0.1;
  options.grayscale = 0.2;
  options.blur = 0.5;
  options.solarize = 0.3;
  options.remove_background = 0.1;
  return options;
}

ColourPlan PlanOf(const ColourOptions& options, int64_t n) {
  Draws draws(3, 1, n, "images/colours");
  return DrawColours(options, draws);
}

// Of independent draws with chance p, how far the share may be off: five standard deviations.
double Tolerance(double p) { return 5 * std::sqrt(p * (1 - p) / kDraws); }

struct Range {
  double least = 1e9, most = -1e9, sum = 0;
  int count = 0;
  void Add(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
    sum += value;
    ++count;
  }
};

// Uniform in [low, high], by its ends and its mean.
void ExpectUniform(const Range& range, double low, double high) {
  const double width = high - low;
  EXPECT_GE(range.least, low - 1e-6);
  EXPECT_LE(range.most, high + 1e-6);
  EXPECT_LT(range.least, low + 0.01 * width);
  EXPECT_GT(range.most, high - 0.01 * width);
  const double spread = width / std::sqrt(12.0 * range.count);
  EXPECT_NEAR(range.sum / range.count, (low + high) / 2, 5 * spread);
}

class PlanStatistics : public testing::TestWithParam<Style> {};

TEST_P(PlanStatistics, ProbabilitiesStrengthsAndOrderAreThoseAskedFor) {
  const ColourOptions options = Everything(GetParam());
  int jitter = 0, gray = 0, solarize = 0, background = 0;
  Range sigma;
  std::map<ColourOp, Range> amounts;
  std::map<std::string, int> orders;
  for (int n = 0; n < kDraws; ++n) {
    const ColourPlan plan = PlanOf(options, n);
    jitter += plan.step_count == 4;
    EXPECT_TRUE(plan.step_count == 0 || plan.step_count == 4);
    gray += plan.grayscale;
    solarize += plan.solarize;
    background += plan.remove_background;
    if (plan.sigma > 0) sigma.Add(plan.sigma);
    std::string order;
    for (int s = 0; s < plan.step_count; ++s) {
      amounts[plan.steps[s].op].Add(plan.steps[s].amount);
      order += static_cast<char>('0' + static_cast<int>(plan.steps[s].op));
    }
    if (!order.empty()) ++orders[order];
  }
  const auto near = [](int count, double p) {
    EXPECT_NEAR(count / static_cast<double>(kDraws), p, Tolerance(p));
  };
  near(jitter, 0.8);
  near(gray, 0.2);
  near(solarize, 0.3);
  near(background, 0.1);
  near(sigma.count, 0.5);
  ExpectUniform(sigma, 0.1, 2.0);
  const bool byol = GetParam() == Style::kByol;
  ExpectUniform(amounts[ColourOp::kBrightness], byol ? -0.4 : 0.6, byol ? 0.4 : 1.4);
  ExpectUniform(amounts[ColourOp::kContrast], 0.6, 1.4);
  ExpectUniform(amounts[ColourOp::kSaturation], 0.8, 1.2);
  ExpectUniform(amounts[ColourOp::kHue], -0.1, 0.1);
  ASSERT_EQ(orders.size(), 24u);
  for (const auto& [order, count] : orders) near(count, 0.8 / 24);
}

INSTANTIATE_TEST_SUITE_P(Styles, PlanStatistics,
                         testing::Values(Style::kTorchvision, Style::kByol));

TEST(ColourPlanTest, SwitchingOneOffLeavesTheOthersAsTheyWere) {
  const ColourOptions all = Everything(Style::kTorchvision);
  ColourOptions less = all;
  less.color_jitter = less.grayscale = less.remove_background = 0;
  ColourOptions no_hue = all;
  no_hue.hue = 0;
  for (int n = 0; n < 200; ++n) {
    const ColourPlan a = PlanOf(all, n), b = PlanOf(less, n), c = PlanOf(no_hue, n);
    EXPECT_EQ(a.sigma, b.sigma);
    EXPECT_EQ(a.solarize, b.solarize);
    EXPECT_EQ(b.step_count, 0);
    EXPECT_EQ(c.step_count, a.step_count == 0 ? 0 : 3);
    EXPECT_EQ(c.grayscale, a.grayscale);
  }
}

TEST(ColourPlanTest, AViewsCropIsTheSameWithAndWithoutColours) {
  ViewOptions plain;
  plain.name = "images";
  ViewOptions colourful = plain;
  colourful.colours = Everything(Style::kTorchvision);
  for (int n = 0; n < 50; ++n) {
    Draws a(1, 0, n, "images"), b(1, 0, n, "images");
    EXPECT_EQ(PlanView({90, 70}, plain, a).source, PlanView({90, 70}, colourful, b).source);
  }
}

// Planes of `size` x `size`: a colour ramp with an edge in the middle.
std::vector<float> Ramp(int size) {
  std::vector<float> values(3 * size * size);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      values[y * size + x] = static_cast<float>(x) / size;
      values[(size + y) * size + x] = static_cast<float>(y) / size;
      values[(2 * size + y) * size + x] = x < size / 2 ? 0.25f : 0.75f;
    }
  }
  return values;
}

std::vector<float> Changed(const ColourStep& step) {
  std::vector<float> values = Ramp(16);
  ColourPlan plan;
  plan.steps[0] = step;
  plan.step_count = 1;
  ChangeByolColours(plan, PlanesOf(values.data(), 256));
  return values;
}

TEST(ByolColours, BrightnessIsAddedAndCut) {
  const std::vector<float> before = Ramp(16), after = Changed({ColourOp::kBrightness, -0.3});
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_FLOAT_EQ(after[i], std::max(before[i] - 0.3f, 0.0f));
  }
}

TEST(ByolColours, ContrastIsAboutEachChannelsMean) {
  const std::vector<float> before = Ramp(16), after = Changed({ColourOp::kContrast, 1.3});
  for (int channel = 0; channel < 3; ++channel) {
    const auto first = before.begin() + 256 * channel;
    const float mean = std::accumulate(first, first + 256, 0.0f) / 256;
    for (int i = 256 * channel; i < 256 * (channel + 1); ++i) {
      EXPECT_NEAR(after[i], std::clamp(mean + 1.3f * (before[i] - mean), 0.0f, 1.0f), 1e-6);
    }
  }
}

TEST(ByolColours, HueTurnsRoundTheCircle) {
  float planes[] = {1, 0.2f, 0.5f, 0, 0.6f, 0.5f, 0, 0.2f, 0.5f};  // red, a dull green, gray
  ColourPlan plan;
  plan.steps[0] = {ColourOp::kHue, 1.0 / 3};
  plan.step_count = 1;
  ChangeByolColours(plan, PlanesOf(planes, 3));
  const float want[] = {0, 0.2f, 0.5f, 1, 0.2f, 0.5f, 0, 0.6f, 0.5f};
  for (int i = 0; i < 9; ++i) EXPECT_NEAR(planes[i], want[i], 1e-5) << i;
}

TEST(ByolColours, SaturationOfNoneIsTheBrightestChannel) {
  const std::vector<float> before = Ramp(16), after = Changed({ColourOp::kSaturation, 0});
  for (int i = 0; i < 256; ++i) {
    const float most = std::max({before[i], before[256 + i], before[512 + i]});
    for (int channel = 0; channel < 3; ++channel) EXPECT_NEAR(after[256 * channel + i], most, 1e-6);
  }
}

TEST(ByolColours, SolarizeInvertsFromTheThreshold) {
  std::vector<float> values = Ramp(16);
  const std::vector<float> before = values;
  SolarizeByol(PlanesOf(values.data(), 256), 0.5f);
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(values[i], before[i] < 0.5f ? before[i] : 1 - before[i]);
  }
}

TEST(FloatBlurTest, IsTheSumOfItsKernelWithBlackAround) {
  constexpr int kSize = 67;  // more than one run of vectors, and a rest
  std::vector<float> values = Ramp(kSize);
  const std::vector<float> before = values;
  const HalfKernel kernel = GaussianKernel(1.3, 4);
  FloatBlur().Run(PlanesOf(values.data(), kSize * kSize), kSize, kernel, Outside::kBlack);
  double worst = 0;
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      double sum = 0;
      for (int dy = -4; dy <= 4; ++dy) {
        for (int dx = -4; dx <= 4; ++dx) {
          if (y + dy < 0 || y + dy >= kSize || x + dx < 0 || x + dx >= kSize) continue;
          sum += double{kernel[std::abs(dy)]} * kernel[std::abs(dx)] *
                 before[(y + dy) * kSize + x + dx];
        }
      }
      worst = std::max(worst, std::abs(sum - values[y * kSize + x]));
    }
  }
  EXPECT_LT(worst, 1e-6);
}

TEST(FloatBlurTest, KernelsSumToOneAndHaveTheirSigma) {
  for (const float sigma : {0.1f, 0.7f, 2.0f, 9.0f}) {
    for (const HalfKernel& kernel : {BoxKernel(sigma), GaussianKernel(sigma, 60)}) {
      double sum = kernel[0], variance = 0;
      for (size_t t = 1; t < kernel.size(); ++t) {
        sum += 2 * kernel[t];
        variance += 2 * kernel[t] * static_cast<double>(t * t);
      }
      EXPECT_NEAR(sum, 1, 1e-6);
      if (sigma > 0.5f) {
        EXPECT_NEAR(std::sqrt(variance), sigma, 0.01 * sigma);
      }
    }
  }
}

TEST(SingleDrawCropTest, TakesOneDrawAndCutsItsSides) {
  ViewOptions view;
  view.crop_scale = {0.9, 1.0};
  bool cut = false;
  for (int n = 0; n < 300; ++n) {
    Draws draws(1, 0, n, "images"), again(1, 0, n, "images");
    const Rect crop = SingleDrawCrop({200, 40}, view, draws);
    EXPECT_TRUE(crop.x >= 0 && crop.x + crop.width <= 200 && crop.y >= 0 && crop.width > 0);
    EXPECT_EQ(crop.height, 40);
    cut = cut || crop.width < 120;
    for (int word = 0; word < 4; ++word) again.Word();
    EXPECT_EQ(draws.Word(), again.Word());
  }
  EXPECT_TRUE(cut);
}

}  // namespace
}  // namespace ocellus::data
