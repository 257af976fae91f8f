// Views without their background, by a sample's mask.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/worker/data/test_images.h"
#include "worker/data/view_maker.h"

namespace ocellus::data {
namespace {

class MaskTest : public testing::Test {
 protected:
  // A whole view of a 48 x 48 image, values 0 to 255; empty when the sample is bad.
  std::vector<float> ViewWith(const std::string& mask, double chance, int64_t n = 0) {
    ViewOptions view;
    view.name = "images";
    view.size = 48;
    view.crop_scale = {1, 1};
    view.crop_ratio = {1, 1};
    view.flip = 0;
    view.mean = {0, 0, 0};
    view.std = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f};
    view.colours.remove_background = chance;
    Sample sample{"a.jpg", TestJpeg(4, 48, 48), 0, "", mask};
    std::vector<float> out(3 * 48 * 48);
    const bool good =
        maker_.Make(sample, 1 << 20, {PreparedView(view)}, 1, {0, n}, {out.data()}, &problem_);
    return good ? out : std::vector<float>();
  }

  ViewMaker maker_;
  std::string problem_;
};

TEST_F(MaskTest, TheBackgroundBecomesGrayAndTheObjectStays) {
  const std::vector<float> whole = ViewWith("", 1);
  const std::vector<float> object = ViewWith(MaskPng(48, 48, [](int x, int) { return x < 20; }), 1);
  for (int i = 0; i < 3 * 48 * 48; ++i) {
    EXPECT_NEAR(object[i], i % 48 < 20 ? whole[i] : 128, 1e-3);
  }
}

TEST_F(MaskTest, HappensAsOftenAsAsked) {
  const std::string mask = MaskPng(48, 48, [](int x, int) { return x < 20; });
  const std::vector<float> whole = ViewWith(mask, 0);
  int removed = 0;
  for (int n = 0; n < 1000; ++n) removed += ViewWith(mask, 0.3, n) != whole;
  EXPECT_NEAR(removed, 300, 5 * std::sqrt(1000 * 0.3 * 0.7));
}

TEST_F(MaskTest, NearlyEmptyAndNearlyFullMasksAreNoUse) {
  const std::vector<float> whole = ViewWith("", 1);
  EXPECT_EQ(ViewWith(MaskPng(48, 48, [](int x, int y) { return y == 0 && x < 23; }), 1), whole);
  EXPECT_EQ(ViewWith(MaskPng(48, 48, [](int x, int y) { return y > 0 || x > 22; }), 1), whole);
  EXPECT_NE(ViewWith(MaskPng(48, 48, [](int x, int y) { return y == 0 && x < 24; }), 1), whole);
}

TEST_F(MaskTest, AMaskOfAnotherSizeMakesTheSampleBad) {
  const std::string mask = MaskPng(47, 48, [](int x, int) { return x < 20; });
  EXPECT_TRUE(ViewWith(mask, 0.001).empty());
  EXPECT_EQ(problem_, "its mask is 47 x 48, the image 48 x 48");
  EXPECT_TRUE(ViewWith("no picture", 0.001).empty());
  EXPECT_EQ(problem_.rfind("its mask: ", 0), 0u) << problem_;
  EXPECT_FALSE(ViewWith(mask, 0).empty());
}

TEST_F(MaskTest, ComesFromShardsAndFoldersWhereItIsWanted) {
  TempFolder folder;
  const std::string mask = MaskPng(48, 48, [](int x, int) { return x < 20; });
  WriteFile(folder / "images/a.jpg", TestJpeg(1));
  WriteFile(folder / "images/a.mask.png", mask);
  WriteFile(folder / "images/b.jpg", TestJpeg(2));
  {
    pack::TarWriter tar(folder / "s.tar");
    tar.Add("a.mask.png", mask);
    tar.Add("a.jpg", TestJpeg(1));
    tar.Add("b.jpg", TestJpeg(2));
    tar.Close();
  }
  for (const char* source : {"images", "s.tar"}) {
    for (int opening = 0; opening < 2; ++opening) {  // the second from the kept index
      const auto dataset = OpenDataset({{folder / source}, kDefaultMaxPixels, true});
      ASSERT_EQ(dataset->size(), 2) << source;
      EXPECT_EQ(dataset->Get(0).mask, mask) << source;
      EXPECT_EQ(dataset->Get(1).mask, "") << source;
      EXPECT_EQ(OpenDataset({{folder / source}, kDefaultMaxPixels, false})->Get(0).mask, "");
    }
  }
}

}  // namespace
}  // namespace ocellus::data
