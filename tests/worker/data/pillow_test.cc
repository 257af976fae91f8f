// Byte equality with Pillow: fixtures/pillow.json and expected.bin are its answers
// (fixtures/make_fixtures.py).
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/worker/data/test_images.h"
#include "worker/data/image_decoder.h"
#include "worker/data/resize.h"
#include "worker/data/view_maker.h"

namespace ocellus::data {
namespace {

class PillowTest : public testing::Test {
 protected:
  PillowTest()
      : cases_(nlohmann::json::parse(Fixture("pillow.json"))), expected_(Fixture("expected.bin")) {}

  // Values become themselves: (v / 255 - 0) / (1 / 255), but for rounding.
  static ViewOptions PlainView(int size, bool bicubic) {
    ViewOptions view;
    view.name = "images";
    view.size = size;
    view.interpolation = bicubic ? Interpolation::kBicubic : Interpolation::kBilinear;
    view.mean = {0, 0, 0};
    view.std = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f};
    return view;
  }

  // Largest difference between planes of floats and Pillow's [size][size][3] bytes at `at`.
  int Difference(const std::vector<float>& planes, int size, int64_t at, bool flip = false) const {
    int worst = 0;
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        for (int c = 0; c < 3; ++c) {
          const int from = flip ? size - 1 - x : x;
          const float got = planes[(c * size + y) * size + from];
          const auto want = static_cast<uint8_t>(expected_[at + (y * size + x) * 3 + c]);
          worst = std::max(worst, static_cast<int>(std::lround(std::fabs(got - want))));
        }
      }
    }
    return worst;
  }

  nlohmann::json cases_;
  std::string expected_;
  ImageDecoder decoder_;
  Resizer resizer_;
};

TEST_F(PillowTest, DecodesAllFormatsToItsBytes) {
  std::set<std::string> seen;
  for (const nlohmann::json& c : cases_) {
    const std::string bytes = Fixture(c["file"]);
    ImageSize size;
    std::string problem;
    ASSERT_TRUE(decoder_.Open(bytes, 1 << 20, &size, &problem)) << c["file"] << problem;
    ASSERT_EQ(size.width, c["width"].get<int>());
    ASSERT_EQ(size.height, c["height"].get<int>());
    Pixels pixels;
    ASSERT_TRUE(decoder_.Decode({0, 0, size.width, size.height}, &pixels, &problem)) << problem;
    int worst = 0;
    const int64_t at = c["decoded"];
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        for (int k = 0; k < 3; ++k) {
          const int want = static_cast<uint8_t>(expected_[at + (y * size.width + x) * 3 + k]);
          worst = std::max(worst, std::abs(pixels.At(x, y)[k] - want));
        }
      }
    }
    EXPECT_EQ(worst, 0) << c["file"];
    seen.insert(c["file"]);
  }
  EXPECT_TRUE(seen.contains("cmyk.jpg") && seen.contains("gray.jpg"));
}

TEST_F(PillowTest, CropAndResizeGiveItsBytes) {
  for (const nlohmann::json& c : cases_) {
    const std::string bytes = Fixture(c["file"]);
    for (const nlohmann::json& r : c["resizes"]) {
      const auto crop = r["crop"].get<std::array<int, 4>>();
      const Rect source{crop[0], crop[1], crop[2], crop[3]};
      const int side = r["size"];
      const ViewOptions view = PlainView(side, r["filter"] == "bicubic");
      ImageSize size;
      std::string problem;
      Pixels pixels;
      ASSERT_TRUE(decoder_.Open(bytes, 1 << 20, &size, &problem)) << problem;
      ASSERT_TRUE(decoder_.Decode(source, &pixels, &problem)) << problem;
      for (const bool flip : {false, true}) {
        std::vector<float> out(3 * side * side);
        resizer_.Run(pixels, {source, side, side, 0, 0, flip}, side, view.interpolation,
                     Normaliser(view), out.data());
        EXPECT_EQ(Difference(out, side, r["at"], flip), 0) << c["file"] << r.dump();
      }
    }
  }
}

TEST_F(PillowTest, CentreViewGivesItsBytes) {
  for (const nlohmann::json& c : cases_) {
    const int side = c["centre"]["size"];
    ViewOptions view = PlainView(side, true);
    view.random = false;
    std::vector<float> out(3 * side * side);
    std::string problem;
    ViewMaker maker;
    const Sample sample{"x", Fixture(c["file"])};
    ASSERT_TRUE(maker.Make(sample, 1 << 20, {PreparedView(view)}, 0, {}, {out.data()}, &problem));
    EXPECT_EQ(Difference(out, side, c["centre"]["at"]), 0) << c["file"];
  }
}

TEST(NormaliserTest, IsToTensorThenNormalizeInFp32) {
  const ViewOptions view;
  const Normaliser normaliser(view);
  EXPECT_EQ(normaliser.value[0][0], (0.0f - 0.485f) / 0.229f);
  EXPECT_EQ(normaliser.value[1][128], (128.0f / 255.0f - 0.456f) / 0.224f);
  EXPECT_EQ(normaliser.value[2][255], (1.0f - 0.406f) / 0.225f);
}

}  // namespace
}  // namespace ocellus::data
