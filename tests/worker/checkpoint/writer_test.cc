#include "worker/checkpoint/writer.h"

#include <gtest/gtest.h>

#include <latch>

#include "tests/worker/checkpoint/checkpoint_cases.h"
#include "worker/store/sha256.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

constexpr char kPrefix[] = "checkpoints/step-000000003/g0001-00000000/";

class WriterTest : public ::testing::Test {
 protected:
  WriterTest() : store_(store::OpenStore("file://" + folder_.path())) {
    snapshot_.Take({{kModelName, {.tensors = {FloatSource("w", {1, 2, 3})}}},
                    {kOptimizerName, {.tensors = {FloatSource("m", {4})}}}});
  }

  TempFolder folder_;
  std::unique_ptr<store::ObjectStore> store_;
  Snapshot snapshot_;
};

TEST_F(WriterTest, WritesFilesAndLeavesTheManifestToOthers) {
  Writer writer(store_.get());
  EXPECT_FALSE(writer.busy());
  EXPECT_FALSE(writer.Poll());
  writer.Start(&snapshot_, SmallManifest(3), kPrefix);
  EXPECT_TRUE(writer.busy());
  const std::optional<WriteResult> result = writer.Wait();
  ASSERT_TRUE(result && result->ok());
  EXPECT_FALSE(writer.busy());
  EXPECT_FALSE(writer.Wait());
  EXPECT_EQ(result->bytes, static_cast<int64_t>(snapshot_.bytes()));

  const Manifest manifest = ParseManifest(result->manifest, "m");
  EXPECT_EQ(manifest.step, 3);
  ASSERT_EQ(manifest.files.size(), 2u);
  for (const FileEntry& file : manifest.files) {
    const std::string bytes = store_->Get(kPrefix + file.name);
    EXPECT_EQ(static_cast<int64_t>(bytes.size()), file.bytes);
    EXPECT_EQ(store::Sha256Hex(bytes), file.sha256);
  }
  EXPECT_FALSE(store_->Head(std::string(kPrefix) + kManifestName));
  EXPECT_TRUE(Commit(*store_, kPrefix, result->manifest));
  EXPECT_FALSE(Commit(*store_, kPrefix, "another"));
  EXPECT_EQ(store_->Get(std::string(kPrefix) + kManifestName), result->manifest);
}

TEST_F(WriterTest, RunsBesideTheCaller) {
  std::latch started(1), go_on(1);
  bool first = true;
  WatchedStore watched(store_.get(), [&](const std::string&) {
    if (!std::exchange(first, false)) return;
    started.count_down();
    go_on.wait();
  });
  Writer writer(&watched);
  writer.Start(&snapshot_, SmallManifest(3), kPrefix);
  started.wait();
  EXPECT_TRUE(writer.busy());
  EXPECT_FALSE(writer.Poll());
  EXPECT_THROW(writer.Start(&snapshot_, SmallManifest(4), kPrefix), std::logic_error);
  go_on.count_down();
  EXPECT_TRUE(writer.Wait()->ok());
}

TEST_F(WriterTest, AFailureIsAResultAndLeavesNothing) {
  WatchedStore full(store_.get(), [](const std::string& key) {
    if (key.ends_with(kOptimizerName)) {
      throw wire::Fault(wire::FaultClass::kStorage, "STORE_FULL",
                        "cannot write " + key + ": no space left");
    }
  });
  Writer writer(&full);
  writer.Start(&snapshot_, SmallManifest(3), kPrefix);
  const WriteResult result = *writer.Wait();
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.step, 3);
  EXPECT_EQ(result.outcome, "STORE_FULL");
  EXPECT_NE(result.failure.find("no space left"), std::string::npos);
  EXPECT_TRUE(result.manifest.empty());
  EXPECT_TRUE(store_->List(kPrefix).empty());
  // The next one has a chance again.
  Writer again(store_.get());
  again.Start(&snapshot_, SmallManifest(3), kPrefix);
  EXPECT_TRUE(again.Wait()->ok());
}

TEST_F(WriterTest, AnUnwritableStoreIsAResult) {
  WriteFile(folder_ / "checkpoints", "a file where a folder must be");
  Writer writer(store_.get());
  writer.Start(&snapshot_, SmallManifest(3), kPrefix);
  const WriteResult result = *writer.Wait();
  EXPECT_FALSE(result.ok());
  EXPECT_NE(result.failure.find("checkpoints"), std::string::npos) << result.failure;
}

TEST_F(WriterTest, WaitsWhenItIsDestroyed) {
  {
    Writer writer(store_.get());
    writer.Start(&snapshot_, SmallManifest(3), kPrefix);
  }
  EXPECT_EQ(store_->List(kPrefix).size(), 2u);
}

}  // namespace
}  // namespace ocellus::checkpoint
