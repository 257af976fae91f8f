#include "worker/checkpoint/slices.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "tests/worker/checkpoint/checkpoint_cases.h"
#include "worker/checkpoint/writer.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

constexpr char kPrefix[] = "checkpoints/step-000000003/g0001-00000000/";

// Tensors of 1, 2, ... values, so that no cut is even.
FileSources Sources(int tensors) {
  FileSources sources;
  for (const char* file : {kModelName, kOptimizerName}) {
    for (int i = 0; i < tensors; ++i) {
      sources[file].tensors.push_back(
          FloatSource("t" + std::to_string(i), std::vector<float>(static_cast<size_t>(i) + 1, i)));
    }
  }
  return sources;
}

TEST(Slices, NamesReadBack) {
  EXPECT_EQ(SliceName(kModelName, 0, 1), kModelName);
  EXPECT_EQ(SliceName(kModelName, 1, 4), "model-00002-of-00004.safetensors");
  const auto place = PlaceOfSlice("model-00002-of-00004.safetensors");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->file, kModelName);
  EXPECT_EQ(place->index, 1);
  EXPECT_EQ(place->count, 4);
  for (const char* other : {kModelName, "model-00005-of-00004.safetensors", "x.safetensors",
                            "model-00000-of-00004.safetensors", "model-0002-of-0004.safetensors",
                            "model-00002-of-00004.bin", "model_00002-of-00004.safetensors"}) {
    EXPECT_FALSE(PlaceOfSlice(other)) << other;
  }
}

TEST(Slices, EachTensorIsInOneAndTheirBytesAreEven) {
  const FileSources whole = Sources(60);
  for (const int count : {2, 3, 7}) {
    size_t tensors = 0;
    for (int index = 0; index < count; ++index) {
      const FileSource slice =
          SlicesOf(whole, index, count).at(SliceName(kModelName, index, count));
      size_t bytes = 0;
      for (const auto& tensor : slice.tensors) bytes += *TensorBytes(tensor.dtype, tensor.shape);
      const double share = 4.0 * 60 * 61 / 2 / count;
      EXPECT_NEAR(static_cast<double>(bytes), share, 4 * 60) << index << " of " << count;
      tensors += slice.tensors.size();
    }
    EXPECT_EQ(tensors, 60u);
  }
}

TEST(Slices, AStoreOfPortionsGetsSeveralOfARank) {
  const FileSources whole = Sources(60);  // 7,320 bytes a file
  const auto slices_of = [&](size_t bytes, int parallel, int world) {
    return SlicesOf(whole, 0, world, {bytes, parallel}).size() / 2;
  };
  EXPECT_EQ(slices_of(0, 4, 2), 1u);     // of any size
  EXPECT_EQ(slices_of(1000, 4, 1), 8u);  // portions
  EXPECT_EQ(slices_of(1000, 4, 2), 4u);
  EXPECT_EQ(slices_of(8000, 4, 1), 3u);  // a quarter of a portion at least
  EXPECT_EQ(slices_of(40000, 4, 1), 1u);
  std::set<std::string> names;
  size_t tensors = 0;
  for (const int rank : {0, 1}) {
    for (const auto& [name, file] : SlicesOf(whole, rank, 2, {1000, 4})) {
      EXPECT_TRUE(names.insert(name).second) << name;
      tensors += file.tensors.size();
    }
  }
  EXPECT_EQ(names.size(), 16u);
  EXPECT_EQ(names.count("model-00008-of-00008.safetensors"), 1u);
  EXPECT_EQ(tensors, 120u);
}

class Gang : public testing::TestWithParam<int> {
 protected:
  // As ranks write it; one of them names the others' files in the manifest.
  Candidate Write(int world) {
    Snapshot first;
    first.Take(SlicesOf(whole_, 0, world));
    Writer writer(store_.get());
    writer.Start(&first, SmallManifest(3), kPrefix, {}, [&](auto limit) {
      std::vector<FileEntry> files;
      for (int rank = 1; rank < world; ++rank) {
        Snapshot slice;
        slice.Take(SlicesOf(whole_, rank, world));
        const auto written = WriteFiles(*store_, slice, kPrefix, limit);
        files.insert(files.end(), written.begin(), written.end());
      }
      return files;
    });
    manifest_ = writer.Wait()->manifest;
    EXPECT_TRUE(Commit(*store_, kPrefix, manifest_));
    return {3, kPrefix};
  }

  const FileSources whole_ = Sources(5);
  TempFolder folder_;
  std::unique_ptr<store::ObjectStore> store_ = store::OpenStore("file://" + folder_.path());
  std::string manifest_;
};

TEST_P(Gang, WhatItWritesIsTheFileOfOne) {
  const Restored restored = Read(*store_, Write(GetParam()));
  Snapshot one;
  one.Take(whole_);
  ASSERT_EQ(restored.files.size(), 2u);
  for (const auto& [name, expected] : one.files()) {
    const SafetensorsFile& got = restored.files.at(name);
    std::string bytes;
    for (const TensorView& tensor : got.tensors()) {
      bytes.append(reinterpret_cast<const char*>(tensor.data), tensor.bytes);
    }
    EXPECT_EQ(EncodeHeader(got.tensors(), {}), expected.header);
    EXPECT_TRUE(bytes == std::string(reinterpret_cast<const char*>(expected.data.data()),
                                     expected.data.size()));
  }
  // Only what has slices needs a program that knows of them.
  const auto version = nlohmann::json::parse(manifest_).at("version").get<int>();
  EXPECT_EQ(version, GetParam() == 1 ? 1 : 2);
}

TEST_P(Gang, AMissingSliceIsDamage) {
  const Candidate from = Write(GetParam());
  auto text = nlohmann::json::parse(manifest_);
  text["files"].erase(text["files"].size() - 1);
  const std::string key = std::string(kPrefix) + kManifestName;
  store_->Delete(key);
  const std::string changed = text.dump();
  store_->PutIfAbsent(key, std::as_bytes(std::span(changed)));
  if (GetParam() == 1) return;  // a file that no manifest names is no slice
  int damaged = 0;
  EXPECT_THROW(Restore(*store_, {from}, [&](const auto&, const auto&) { ++damaged; }), wire::Fault);
  EXPECT_EQ(damaged, 1);
}

// More ranks than tensors: some slices are empty.
INSTANTIATE_TEST_SUITE_P(Worlds, Gang, testing::Values(1, 2, 3, 9));

TEST(Slices, ATensorInTwoIsRefused) {
  Snapshot both;
  both.Take(Sources(2));
  std::map<std::string, SafetensorsFile> files;
  const auto& file = both.files().at(kModelName);
  for (int index : {0, 1}) {
    const size_t size = file.header.size() + file.data.size();
    const auto bytes = std::make_shared<std::byte[]>(size);
    std::memcpy(bytes.get(), file.header.data(), file.header.size());
    std::memcpy(bytes.get() + file.header.size(), file.data.data(), file.data.size());
    files[SliceName(kModelName, index, 2)] = SafetensorsFile::Parse(bytes, size, "f");
  }
  EXPECT_THROW(Joined(files, "o/"), wire::Fault);
}

}  // namespace
}  // namespace ocellus::checkpoint
