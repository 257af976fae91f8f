#include "worker/data/dataset.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/worker/data/test_images.h"
#include "worker/data/sources.h"

namespace ocellus::data {
namespace {

class DatasetTest : public testing::Test {
 protected:
  DatasetTest() { setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1); }

  std::shared_ptr<const Dataset> Open(const std::string& source) const {
    return OpenDataset({{source}});
  }
  std::string Refusal(const std::vector<std::string>& sources) const {
    return MessageOf("NO_DATA", [&] { OpenDataset({sources}); });
  }

  TempFolder folder_;
};

TEST_F(DatasetTest, ShardsGiveImageLabelAndCaption) {
  WriteTar(folder_ / "t-000.tar", {{"0.jpg", "A"}, {"0.cls", "4"}, {"0.txt", " one cat\n"}});
  WriteTar(folder_ / "t-001.tar", {{"1.png", "BB"}, {"1.json", "{\"caption\":\"a dog\",\"n\":1}"}});
  for (const std::string& source : {folder_ / "t-*.tar", folder_ / "t-{000..001}.tar",
                                    folder_ / "t-{000,001}.tar", folder_.path()}) {
    const auto dataset = Open(source);
    ASSERT_EQ(dataset->size(), 2) << source;
    EXPECT_EQ(dataset->classes(), 1);
    const Sample first = dataset->Get(0);
    EXPECT_EQ(first.key, folder_ / "t-000.tar" + ":0.jpg");
    EXPECT_EQ(first.image, "A");
    EXPECT_EQ(first.label, 4);
    EXPECT_EQ(first.caption, "one cat");
    const Sample second = dataset->Get(1);
    EXPECT_EQ(second.image, "BB");
    EXPECT_EQ(second.label, -1);
    EXPECT_EQ(second.caption, "a dog");
  }
}

TEST_F(DatasetTest, FoldersAreSortedAndNumbered) {
  WriteFile(folder_ / "set/zebra/deep/2.JPG", "z2");
  WriteFile(folder_ / "set/apple/1.png", "a1");
  WriteFile(folder_ / "set/apple/0.jpeg", "a0");
  WriteFile(folder_ / "set/empty/readme.txt", "-");
  WriteFile(folder_ / "set/.hidden/9.jpg", "-");
  WriteFile(folder_ / "set/top.jpg", "t");
  const auto dataset = Open(folder_ / "set");
  ASSERT_EQ(dataset->size(), 4);
  EXPECT_EQ(dataset->classes(), 2);
  std::string images;
  std::vector<int64_t> labels;
  for (int i = 0; i < 4; ++i) {
    images += dataset->Get(i).image + " ";
    labels.push_back(dataset->Get(i).label);
  }
  EXPECT_EQ(images, "a0 a1 t z2 ");
  EXPECT_EQ(labels, (std::vector<int64_t>{0, 0, -1, 1}));
  EXPECT_EQ(dataset->Get(3).key, folder_ / "set/zebra/deep/2.JPG");
}

TEST_F(DatasetTest, LinksInCirclesEnd) {
  WriteFile(folder_ / "set/a/1.jpg", "1");
  std::filesystem::create_directory_symlink(folder_ / "set", folder_ / "set/a/loop");
  EXPECT_GE(Open(folder_ / "set")->size(), 1);
}

TEST_F(DatasetTest, ListsMixShardsFoldersAndFiles) {
  std::filesystem::create_directories(folder_ / "s");
  WriteTar(folder_ / "s/a.tar", {{"0.jpg", "A"}, {"0.cls", "4"}});
  WriteFile(folder_ / "f/cat/1.jpg", "B");
  WriteFile(folder_ / "g/2.jpg", "C");
  const auto dataset =
      OpenDataset({{folder_ / "g/*.jpg", folder_ / "f", folder_ / "s/a.tar"}, 1234});
  ASSERT_EQ(dataset->size(), 3);
  EXPECT_EQ(dataset->Get(0).image + dataset->Get(1).image + dataset->Get(2).image, "ABC");
  EXPECT_EQ(dataset->classes(), 2);
  EXPECT_EQ(dataset->max_pixels(), 1234);
}

TEST_F(DatasetTest, MissingPathsNameTheNearest) {
  std::filesystem::create_directories(folder_ / "photos/summer");
  EXPECT_EQ(Refusal({folder_ / "photos/summmer/beach"}),
            "no such data: " + (folder_ / "photos/summmer/beach") +
                " (the nearest that exists is " + (folder_ / "photos") + ")");
  EXPECT_EQ(Refusal({folder_ / "photos/winter/*.tar"}),
            "nothing matches: " + (folder_ / "photos/winter/*.tar") +
                " (the nearest that exists is " + (folder_ / "photos") + ")");
  EXPECT_NE(Refusal({}).find("no data is named"), std::string::npos);
}

TEST_F(DatasetTest, EmptySetsAreRefused) {
  std::filesystem::create_directories(folder_ / "none");
  EXPECT_EQ(Refusal({folder_ / "none"}), "no JPEG or PNG image in " + (folder_ / "none"));
  WriteTar(folder_ / "empty.tar", {});
  WriteTar(folder_ / "texts.tar", {{"0.txt", "-"}});
  EXPECT_EQ(Refusal({folder_ / "empty.tar", folder_ / "texts.tar"}),
            "no JPEG or PNG image in " + (folder_ / "empty.tar") + ", " + (folder_ / "texts.tar"));
  WriteFile(folder_ / "list.csv", "-");
  EXPECT_NE(Refusal({folder_ / "list.csv"}).find("neither a folder, nor a .tar"),
            std::string::npos);
}

TEST_F(DatasetTest, ATruncatedShardIsRefusedWhenOpened) {
  WriteTar(folder_ / "a.tar", {{"0.jpg", std::string(3000, 'A')}});
  std::filesystem::resize_file(folder_ / "a.tar", 2000);
  const std::string message = MessageOf("BAD_SHARD", [&] { Open(folder_ / "a.tar"); });
  EXPECT_NE(message.find("ends at byte 2000, inside 0.jpg (member at offset 0)"), std::string::npos)
      << message;
}

TEST_F(DatasetTest, AShardThatChangesDuringTheRunIsAStorageFault) {
  WriteTar(folder_ / "a.tar", {{"0.jpg", "A"}});
  const auto dataset = Open(folder_ / "a.tar");
  WriteTar(folder_ / "a.tar", {{"0.jpg", "ABC"}, {"1.jpg", "ABC"}});
  const std::string message = MessageOf("DATA_UNREADABLE", [&] { dataset->Get(0); });
  EXPECT_NE(message.find("was changed during the run"), std::string::npos) << message;
}

TEST_F(DatasetTest, ManyShardsStayWithinTheirDescriptors) {
  for (int i = 0; i < 300; ++i) {
    WriteTar(folder_ / ("m-" + std::to_string(i) + ".tar"), {{"0.jpg", std::to_string(i)}});
  }
  const auto dataset = Open(folder_ / "m-{0..299}.tar");
  ASSERT_EQ(dataset->size(), 300);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 300; ++i) ASSERT_EQ(dataset->Get(i).image, std::to_string(i));
  }
}

}  // namespace
}  // namespace ocellus::data
