#include "worker/checkpoint/restore.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/worker/checkpoint/checkpoint_cases.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

class RestoreTest : public ::testing::Test {
 protected:
  RestoreTest() : store_(store::OpenStore("file://" + folder_.path())) {
    for (const int64_t step : {300, 200, 100})
      candidates_.push_back(WriteCheckpoint(*store_, step));
  }

  std::string PathOf(size_t candidate, const std::string& file) const {
    return folder_ / candidates_[candidate].prefix + file;
  }
  // Restores; the faults that were told are in faults_.
  Restored RestoreNewest() {
    return Restore(*store_, candidates_,
                   [this](const Candidate& candidate, const std::string& fault) {
                     faults_.push_back(std::to_string(candidate.step) + ": " + fault);
                   });
  }
  void ExpectSecondAfter(const std::string& cause) {
    EXPECT_EQ(RestoreNewest().from.step, 200);
    ASSERT_EQ(faults_.size(), 1u);
    EXPECT_NE(faults_[0].find("300: p/j-1/checkpoints/step-000000300"), std::string::npos);
    EXPECT_NE(faults_[0].find(cause), std::string::npos) << faults_[0];
    EXPECT_THROW(Verify(*store_, candidates_[0]), wire::Fault);
  }

  TempFolder folder_;
  std::unique_ptr<store::ObjectStore> store_;
  std::vector<Candidate> candidates_;
  std::vector<std::string> faults_;
};

TEST_F(RestoreTest, TakesTheNewest) {
  const Restored restored = RestoreNewest();
  EXPECT_EQ(restored.from.step, 300);
  EXPECT_EQ(restored.manifest.samples, 2400);
  const TensorView* tensor = restored.files.at(kModelName).Find("w");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(reinterpret_cast<const float*>(tensor->data)[63], 300.0f);
  EXPECT_NE(restored.files.at(kOptimizerName).Find("exp_avg.w"), nullptr);
  EXPECT_TRUE(faults_.empty());
  EXPECT_EQ(Verify(*store_, candidates_[0]).step, 300);
}

TEST_F(RestoreTest, NoticesAFlippedBit) {
  std::string bytes = ReadFile(PathOf(0, kOptimizerName));
  bytes.back() ^= 1;
  WriteFile(PathOf(0, kOptimizerName), bytes);
  ExpectSecondAfter("optimizer.safetensors has changed since it was written");
}

TEST_F(RestoreTest, NoticesATruncatedFile) {
  std::filesystem::resize_file(PathOf(0, kModelName), 20);
  ExpectSecondAfter("model.safetensors has 20 bytes, its manifest says");
}

TEST_F(RestoreTest, NoticesAFileThatGrew) {
  WriteFile(PathOf(0, kModelName), ReadFile(PathOf(0, kModelName)) + "x");
  ExpectSecondAfter("model.safetensors has");
}

TEST_F(RestoreTest, NoticesAMissingFile) {
  std::filesystem::remove(PathOf(0, kModelName));
  ExpectSecondAfter("model.safetensors is missing");
}

TEST_F(RestoreTest, NoticesADamagedOrMissingManifest) {
  WriteFile(PathOf(0, kManifestName), "{\"version\":");
  ExpectSecondAfter("manifest.json is no JSON object");
  faults_.clear();
  std::filesystem::remove(PathOf(0, kManifestName));
  ExpectSecondAfter("manifest.json is missing");
}

TEST_F(RestoreTest, FallsBackTwice) {
  std::filesystem::remove(PathOf(0, kModelName));
  std::filesystem::remove(PathOf(1, kModelName));
  EXPECT_EQ(RestoreNewest().from.step, 100);
  EXPECT_EQ(faults_.size(), 2u);
}

TEST_F(RestoreTest, AStoreThatCannotBeReadIsNoDamage) {
  for (const char* outcome : {"STORE_ERROR", "STORE_DENIED"}) {
    bool broken = true;
    WatchedStore store(store_.get(), nullptr, [&](const std::string& key) {
      if (broken && key.ends_with(kModelName)) {
        throw wire::Fault(wire::FaultClass::kStorage, outcome, "reading " + key);
      }
    });
    int damaged = 0;
    const auto count = [&](const Candidate&, const std::string&) { ++damaged; };
    try {
      Restore(store, candidates_, count);
      FAIL() << outcome;
    } catch (const wire::Fault& fault) {
      EXPECT_EQ(fault.outcome(), outcome);
    }
    broken = false;
    EXPECT_EQ(Restore(store, candidates_, count).from.step, 300);
    EXPECT_EQ(damaged, 0);
  }
}

TEST_F(RestoreTest, AFileThatVanishesWhileReadIsDamage) {
  WatchedStore store(store_.get(), nullptr, [&](const std::string& key) {
    if (key == candidates_[0].prefix + kModelName) store_->Delete(key);
  });
  int damaged = 0;
  EXPECT_EQ(Restore(store, candidates_, [&](const Candidate&, const std::string&) { ++damaged; })
                .from.step,
            200);
  EXPECT_EQ(damaged, 1);
}

TEST_F(RestoreTest, NeverStartsFromNothing) {
  for (size_t i = 0; i < 3; ++i) std::filesystem::remove(PathOf(i, kModelName));
  try {
    RestoreNewest();
    FAIL();
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.outcome(), "NO_CHECKPOINT_LEFT");
    EXPECT_EQ(fault.fault_class(), wire::FaultClass::kStorage);
  }
  EXPECT_EQ(faults_.size(), 3u);
}

}  // namespace
}  // namespace ocellus::checkpoint
