#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "tests/worker/data/test_images.h"
#include "worker/data/shard_index.h"
#include "worker/data/tar_reader.h"

namespace ocellus::data {
namespace {

constexpr size_t kBlock = 512;

std::vector<TarEntry> Entries(const std::string& path) {
  const File file(path);
  TarReader reader(file);
  std::vector<TarEntry> entries;
  for (TarEntry entry; reader.Next(&entry);) entries.push_back(entry);
  return entries;
}

// A header block by hand, for kinds that our writer does not make.
std::string Header(const std::string& name, size_t bytes, char type) {
  std::string block(kBlock, '\0');
  block.replace(0, name.size(), name);
  char number[16];
  std::snprintf(number, sizeof number, "%011zo", bytes);
  block.replace(124, 11, number);
  block.replace(148, 8, "        ");
  block[156] = type;
  block.replace(257, 8, std::string("ustar  \0", 8));
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<uint8_t>(c);
  std::snprintf(number, sizeof number, "%06o", sum);
  block.replace(148, 7, std::string(number, 7));
  return block;
}

std::string Padded(std::string content) {
  content.resize((content.size() + kBlock - 1) / kBlock * kBlock, '\0');
  return content;
}

class ShardTest : public testing::Test {
 protected:
  ShardTest() { setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1); }
  TempFolder folder_;
};

TEST_F(ShardTest, ReadsNamesSizesAndOffsets) {
  const std::string deep(240, 'd');
  WriteTar(folder_ / "a.tar", {{"one.jpg", "abc"}, {deep + "/two.jpg", ""}, {"x/three.txt", "hi"}});
  const std::vector<TarEntry> entries = Entries(folder_ / "a.tar");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name, "one.jpg");
  EXPECT_EQ(entries[0].offset, 512);
  EXPECT_EQ(entries[0].bytes, 3);
  EXPECT_EQ(entries[1].name, deep + "/two.jpg");
  EXPECT_EQ(entries[2].name, "x/three.txt");
  EXPECT_EQ(File(folder_ / "a.tar").ReadExactly(entries[2].offset, 2), "hi");
}

TEST_F(ShardTest, ReadsGnuLongNamesLinksAndFolders) {
  const std::string name = std::string(150, 'n') + ".jpg";
  const std::string tar = Header("f/", 0, '5') + Header("l", 0, '2') +
                          Header("././@LongLink", name.size() + 1, 'L') +
                          Padded(name + std::string(1, '\0')) + Header("short", 4, '0') +
                          Padded("data") + std::string(2 * kBlock, '\0');
  WriteFile(folder_ / "a.tar", tar);
  const std::vector<TarEntry> entries = Entries(folder_ / "a.tar");
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].name, name);
  EXPECT_EQ(entries[0].bytes, 4);
}

TEST_F(ShardTest, ReadsPaxSizesAndBase256) {
  const std::string pax = "11 size=700\n";
  std::string big = Header("b.jpg", 0, '0');
  big.replace(124, 12, std::string("\x80\0\0\0\0\0\0\0\0\0\0\x05", 12));
  big.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : big) sum += static_cast<uint8_t>(c);
  char number[8];
  std::snprintf(number, sizeof number, "%06o", sum);
  big.replace(148, 7, std::string(number, 7));
  WriteFile(folder_ / "a.tar", Header("pax", 12, 'x') + Padded("12 size=700\n") +
                                   Header("a.jpg", 0, '0') + Padded(std::string(700, 'a')) + big +
                                   Padded("12345") + std::string(2 * kBlock, '\0'));
  const std::vector<TarEntry> entries = Entries(folder_ / "a.tar");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].bytes, 700);
  EXPECT_EQ(entries[1].bytes, 5);
  WriteFile(folder_ / "b.tar", Header("pax", pax.size(), 'x') + Padded(pax));
  MessageOf("BAD_SHARD", [&] { Entries(folder_ / "b.tar"); });
}

TEST_F(ShardTest, EveryTruncationNamesShardAndOffset) {
  WriteTar(folder_ / "a.tar", {{"1.jpg", std::string(700, 'x')}, {"2.jpg", std::string(10, 'y')}});
  const std::string whole = ReadFile(folder_ / "a.tar");
  // The last block of the end mark may lack, as with other readers.
  for (const size_t length :
       {size_t{0}, size_t{100}, size_t{512}, size_t{900}, size_t{1536}, size_t{1600}, size_t{2048},
        size_t{2058}, whole.size() - 2 * kBlock}) {
    WriteFile(folder_ / "cut.tar", whole.substr(0, length));
    const std::string message = MessageOf("BAD_SHARD", [&] { Entries(folder_ / "cut.tar"); });
    EXPECT_NE(message.find(folder_ / "cut.tar"), std::string::npos) << message;
    EXPECT_NE(message.find("truncated tar: the file ends at byte " + std::to_string(length)),
              std::string::npos)
        << message;
  }
}

TEST_F(ShardTest, OtherFilesAreNoTar) {
  WriteFile(folder_ / "a.tar", std::string(2000, 'z'));
  const std::string message = MessageOf("BAD_SHARD", [&] { Entries(folder_ / "a.tar"); });
  EXPECT_NE(message.find("damaged or no tar"), std::string::npos) << message;
}

TEST_F(ShardTest, GroupsMembersByKey) {
  WriteTar(folder_ / "a.tar", {{"s/0.jpg", "AAAA"},
                               {"s/0.cls", " 7\n"},
                               {"s/0.json", "{}"},
                               {"s/0.txt", "a cat"},
                               {"s/0.seg.png", "no"},
                               {"notes.txt", "no image"},
                               {"s/1.JPEG", "BB"},
                               {"s/1.json", "{\"caption\": \"dog\"}"},
                               {"s/2.png", "C"}});
  const ShardIndex index = BuildShardIndex(File(folder_ / "a.tar"));
  ASSERT_EQ(index.samples.size(), 3u);
  EXPECT_EQ(index.samples[0].name, "s/0.jpg");
  EXPECT_EQ(index.samples[0].label, 7);
  EXPECT_EQ(index.samples[0].caption, CaptionKind::kText);
  EXPECT_EQ(index.samples[0].caption_bytes, 5);
  EXPECT_EQ(index.samples[1].caption, CaptionKind::kJson);
  EXPECT_EQ(index.samples[1].label, -1);
  EXPECT_EQ(index.samples[2].caption, CaptionKind::kNone);
  WriteTar(folder_ / "b.tar", {{"0.jpg", "A"}, {"0.cls", "cat"}});
  const std::string message =
      MessageOf("BAD_SHARD", [&] { BuildShardIndex(File(folder_ / "b.tar")); });
  EXPECT_NE(message.find("0.cls holds no class number"), std::string::npos) << message;
}

TEST_F(ShardTest, IndexBytesRoundTripAndRefuseDamage) {
  WriteTar(folder_ / "a.tar", {{"0.jpg", "AAAA"}, {"0.cls", "3"}, {"1.png", "B"}});
  const ShardIndex index = BuildShardIndex(File(folder_ / "a.tar"));
  const std::string bytes = EncodeShardIndex(index);
  ShardIndex back;
  ASSERT_TRUE(DecodeShardIndex(bytes, &back));
  EXPECT_EQ(back.shard, index.shard);
  ASSERT_EQ(back.samples.size(), 2u);
  EXPECT_EQ(back.samples[0].label, 3);
  EXPECT_EQ(back.samples[1].name, "1.png");
  EXPECT_EQ(back.samples[1].image_offset, index.samples[1].image_offset);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    EXPECT_FALSE(DecodeShardIndex(damaged, &back)) << i;
    EXPECT_FALSE(DecodeShardIndex(bytes.substr(0, i), &back)) << i;
  }
}

TEST_F(ShardTest, KeepsTheIndexAndNoticesAChange) {
  const std::string shard = folder_ / "a.tar";
  WriteTar(shard, {{"0.jpg", "AAAA"}});
  EXPECT_EQ(OpenShardIndex(File(shard)).samples.size(), 1u);
  const std::string kept = ReadFile(shard + ".ocxidx");
  EXPECT_FALSE(kept.empty());
  // What is kept is what is used: a forged label shows.
  ShardIndex forged;
  ASSERT_TRUE(DecodeShardIndex(kept, &forged));
  forged.samples[0].label = 99;
  WriteFile(shard + ".ocxidx", EncodeShardIndex(forged));
  EXPECT_EQ(OpenShardIndex(File(shard)).samples[0].label, 99);
  WriteTar(shard, {{"0.jpg", "AAAA"}, {"1.jpg", "B"}});
  EXPECT_EQ(OpenShardIndex(File(shard)).samples.size(), 2u);
  EXPECT_EQ(OpenShardIndex(File(shard)).samples[0].label, -1);
}

TEST_F(ShardTest, FallsBackToTheCacheFolder) {
  const std::string shard = folder_ / "a.tar";
  WriteTar(shard, {{"0.jpg", "AAAA"}});
  std::filesystem::create_directory(shard + ".ocxidx");  // nothing can be written there
  EXPECT_EQ(OpenShardIndex(File(shard)).samples.size(), 1u);
  const std::filesystem::path cache = folder_ / "cache/ocellus/index";
  ASSERT_TRUE(std::filesystem::exists(cache));
  const auto kept = std::filesystem::directory_iterator(cache)->path();
  EXPECT_EQ(kept.extension(), ".ocxidx");
  const auto written = std::filesystem::last_write_time(kept);
  EXPECT_EQ(OpenShardIndex(File(shard)).samples.size(), 1u);
  EXPECT_EQ(std::filesystem::last_write_time(kept), written);
}

}  // namespace
}  // namespace ocellus::data
