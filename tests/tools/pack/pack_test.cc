#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/worker/data/test_images.h"
#include "tools/pack/demo_set.h"
#include "tools/pack/folder_set.h"
#include "tools/pack/scene.h"
#include "worker/data/augment/background.h"
#include "worker/data/dataset.h"
#include "worker/data/evaluation.h"
#include "worker/data/image_decoder.h"
#include "worker/data/png_decoder.h"

namespace ocellus::pack {
namespace {

using data::MessageOf;
using data::ReadFile;
using data::WriteFile;

TEST(DemoSetTest, TheSameSeedGivesTheSameBytes) {
  TempFolder folder;
  WriteDemoSet({folder / "a", 12, 3, 2});
  WriteDemoSet({folder / "b", 12, 3, 2});
  WriteDemoSet({folder / "c", 12, 4, 2});
  for (const char* name : {"demo-000000.tar", "demo-000001.tar", "manifest.json", "README.md"}) {
    const std::string bytes = ReadFile(folder / "a/" + name);
    EXPECT_FALSE(bytes.empty()) << name;
    EXPECT_TRUE(bytes == ReadFile(folder / "b/" + name)) << name;
  }
  EXPECT_FALSE(ReadFile(folder / "a/demo-000000.tar") == ReadFile(folder / "c/demo-000000.tar"));
}

TEST(DemoSetTest, IsReadableAndHonest) {
  TempFolder folder;
  WriteDemoSet({folder / "demo", 40, 0, 3});
  const auto dataset = data::OpenDataset({{folder / "demo"}});
  ASSERT_EQ(dataset->size(), 40);
  EXPECT_EQ(dataset->classes(), 10);
  std::vector<int64_t> all;
  for (int64_t i = 0; i < 40; ++i) {
    EXPECT_FALSE(dataset->Get(i).caption.empty());
    all.push_back(i);
  }
  data::ViewOptions view;
  view.size = 16;
  EXPECT_EQ(data::LoadViews(*dataset, all, view, 1, nullptr).samples, all) << "all decode";
  const auto manifest = nlohmann::json::parse(ReadFile(folder / "demo/manifest.json"));
  EXPECT_EQ(manifest["synthetic"], true);
  EXPECT_EQ(manifest["count"], 40);
  EXPECT_EQ(manifest["classes"].size(), 10u);
  EXPECT_NE(ReadFile(folder / "demo/README.md").find("drawn by a program"), std::string::npos);
}

TEST(DemoSetTest, ClassesAreEquallyFrequentAndSizesVary) {
  std::array<int, 10> frequency{};
  std::set<std::pair<int, int>> sizes;
  std::set<int> qualities;
  for (int64_t i = 0; i < 60; ++i) {
    const DemoPicture picture = MakeDemoPicture(1, 60, i);
    ++frequency[picture.label];
    sizes.insert({picture.width, picture.height});
    qualities.insert(picture.quality);
    EXPECT_GE(std::min(picture.width, picture.height), 96);
    EXPECT_LE(std::max(picture.width, picture.height), 320);
    const std::string kind = Kinds()[picture.label].name;
    EXPECT_NE(picture.caption.find(kind), std::string::npos) << picture.caption;
  }
  for (const int count : frequency) EXPECT_EQ(count, 6);
  EXPECT_GT(sizes.size(), 50u);
  EXPECT_GT(qualities.size(), 10u);
}

// A mask is as large as its picture, shows a thing and hides a backdrop; pictures are the same with
// masks and without.
TEST(DemoSetTest, MasksShowTheThings) {
  TempFolder folder;
  WriteDemoSet({folder / "with", 30, 2, 1, true});
  WriteDemoSet({folder / "without", 30, 2, 1, false});
  const auto dataset = data::OpenDataset({.sources = {folder / "with"}, .masks = true});
  const auto plain = data::OpenDataset({.sources = {folder / "without"}, .masks = true});
  double shown_of_all = 0;
  for (int64_t i = 0; i < 30; ++i) {
    const data::Sample sample = dataset->Get(i);
    EXPECT_TRUE(sample.image == plain->Get(i).image) << i;
    EXPECT_TRUE(plain->Get(i).mask.empty());
    data::ImageSize size;
    std::string problem;
    ASSERT_TRUE(data::ImageDecoder().Open(sample.image, 1 << 20, &size, &problem)) << problem;
    EXPECT_TRUE(data::CheckMask(sample.mask, size, &problem)) << problem;
    data::Pixels mask;
    ASSERT_TRUE(data::DecodePng(sample.mask, &mask, &problem)) << problem;
    double shown = 0;
    for (int64_t p = 0; p < int64_t{size.width} * size.height; ++p) {
      ASSERT_TRUE(mask.bytes[4 * p] == 0 || mask.bytes[4 * p] == 255);
      shown += mask.bytes[4 * p] == 255 ? 1.0 / (size.width * size.height) : 0;
    }
    EXPECT_GT(shown, 0.01) << sample.key;
    EXPECT_LT(shown, 0.95) << sample.key;
    shown_of_all += shown / 30;
  }
  EXPECT_GT(shown_of_all, 0.1);
  EXPECT_LT(shown_of_all, 0.6);
}

// The nearest neighbour by mean colour must be a poor judge of the class.
TEST(DemoSetTest, ColourAloneDoesNotTellTheClass) {
  TempFolder folder;
  constexpr int64_t kCount = 240;
  WriteDemoSet({folder / "demo", kCount, 5, 1});
  const auto dataset = data::OpenDataset({{folder / "demo"}});
  std::vector<int64_t> all(kCount);
  for (int64_t i = 0; i < kCount; ++i) all[i] = i;
  data::ViewOptions view;
  view.name = "images";
  view.size = 8;
  const data::HostBatch batch = data::LoadViews(*dataset, all, view, 1, nullptr);
  std::vector<std::array<double, 3>> mean(kCount);
  for (int64_t i = 0; i < kCount * 3; ++i) {
    for (int p = 0; p < 64; ++p) {
      mean[i / 3][i % 3] += batch.tensors.at("images").values[i * 64 + p] / 64;
    }
  }
  int right = 0;
  for (int64_t i = 0; i < kCount; ++i) {
    double best = std::numeric_limits<double>::max();
    int64_t label = -1;
    for (int64_t j = 0; j < kCount; ++j) {
      double d = 0;
      for (int c = 0; c < 3; ++c) d += std::pow(mean[i][c] - mean[j][c], 2);
      if (j != i && d < best) best = d, label = batch.labels[j];
    }
    right += label == batch.labels[i];
  }
  EXPECT_LT(right, kCount * 0.35);
}

TEST(FolderSetTest, KeepsBytesClassesAndCaptions) {
  TempFolder folder;
  const std::string image = data::TestJpeg(1), other = data::TestJpeg(2);
  WriteFile(folder / "in/cat/one.JPG", image);
  WriteFile(folder / "in/cat/one.txt", "a cat");
  WriteFile(folder / "in/dog/two.jpeg", other);
  const FolderSetResult result =
      WriteFolderSet({folder / "in", folder / "out", static_cast<int64_t>(image.size())});
  EXPECT_EQ(result.images, 2);
  EXPECT_EQ(result.classes, 2);
  EXPECT_EQ(result.shards, 2);
  const auto dataset = data::OpenDataset({{folder / "out"}});
  ASSERT_EQ(dataset->size(), 2);
  EXPECT_TRUE(dataset->Get(0).image == image);
  EXPECT_EQ(dataset->Get(0).caption, "a cat");
  EXPECT_TRUE(dataset->Get(1).image == other);
  EXPECT_EQ(dataset->Get(1).label, 1);
  const auto manifest = nlohmann::json::parse(ReadFile(folder / "out/manifest.json"));
  EXPECT_EQ(manifest["classes"], nlohmann::json({"cat", "dog"}));
}

TEST(FolderSetTest, SaysWhatIsMissing) {
  TempFolder folder;
  MessageOf("NO_DATA", [&] { WriteFolderSet({folder / "none", folder / "out"}); });
  std::filesystem::create_directories(folder / "empty");
  EXPECT_EQ(MessageOf("NO_DATA",
                      [&] {
                        WriteFolderSet({folder / "empty", folder / "out"});
                      }),
            "no JPEG or PNG image in " + (folder / "empty"));
  WriteFile(folder / "file", "-");
  MessageOf("UNWRITABLE", [&] { WriteDemoSet({folder / "file", 2, 0, 1}); });
}

}  // namespace
}  // namespace ocellus::pack
