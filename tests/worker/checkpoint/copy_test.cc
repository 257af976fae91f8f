#include "worker/checkpoint/copy.h"

#include <gtest/gtest.h>

#include "tests/worker/checkpoint/checkpoint_cases.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

class CopyTest : public ::testing::Test {
 protected:
  CopyTest()
      : from_(store::OpenStore(folder_ / "from")),
        to_(store::OpenStore(folder_ / "to")),
        original_(WriteCheckpoint(*from_, 7)) {}

  std::string OutcomeOfCopy() {
    try {
      Copy(*from_, original_, *to_, "kept/");
      return "";
    } catch (const wire::Fault& fault) {
      return fault.outcome();
    }
  }

  TempFolder folder_;
  std::unique_ptr<store::ObjectStore> from_, to_;
  Candidate original_;
};

TEST_F(CopyTest, TheCopyIsACheckpointThatSaysWhereItIsFrom) {
  EXPECT_GT(Copy(*from_, original_, *to_, "kept/"), 512);
  const Restored restored = Read(*to_, {7, "kept/", "j-1"});
  EXPECT_EQ(restored.manifest.step, 7);
  const std::string text = to_->Get("kept/manifest.json");
  EXPECT_EQ(nlohmann::json::parse(text)["copied_from"], from_->uri() + "/" + original_.prefix);
  for (const char* file : {kModelName, kOptimizerName}) {
    EXPECT_EQ(to_->Get(std::string("kept/") + file), from_->Get(original_.prefix + file));
  }
}

TEST_F(CopyTest, NothingIsOverwritten) {
  EXPECT_EQ(OutcomeOfCopy(), "");
  EXPECT_EQ(OutcomeOfCopy(), "EXISTS");
  EXPECT_EQ(Verify(*to_, {7, "kept/"}).step, 7);
}

TEST_F(CopyTest, ADamagedOriginalLeavesNothing) {
  const std::string path = folder_ / "from/" + original_.prefix + kOptimizerName;
  std::string bytes = ReadFile(path);
  bytes.back() ^= 4;
  WriteFile(path, bytes);
  EXPECT_EQ(OutcomeOfCopy(), "DAMAGED_CHECKPOINT");
  EXPECT_TRUE(to_->List("").empty());
}

}  // namespace
}  // namespace ocellus::checkpoint
