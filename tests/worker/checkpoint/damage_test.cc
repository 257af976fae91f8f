// Whatever happens to a checkpoint's bytes: another one is restored, never wrong values.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "tests/worker/checkpoint/checkpoint_cases.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

constexpr int kSeeds = 1000;

class Damage : public ::testing::Test {
 protected:
  Damage() : store_(store::OpenStore("file://" + folder_.path())) {
    older_ = WriteCheckpoint(*store_, 100);
    newer_ = WriteCheckpoint(*store_, 200);
    older_.job = newer_.job = "j-1";
  }
  std::string PathOf(const std::string& file) const { return folder_ / newer_.prefix + file; }

  // Restores; the step, and that its values are those of the step.
  int64_t RestoredStep() {
    fault_.clear();
    const Restored restored =
        Restore(*store_, {newer_, older_},
                [this](const Candidate&, const std::string& fault) { fault_ = fault; });
    for (const auto& [file, tensor] :
         {std::pair(kModelName, "w"), std::pair(kOptimizerName, "exp_avg.w")}) {
      const TensorView* view = restored.files.at(file).Find(tensor);
      EXPECT_NE(view, nullptr);
      for (int i = 0; i < 64; ++i) {
        EXPECT_EQ(reinterpret_cast<const float*>(view->data)[i],
                  static_cast<float>(restored.from.step));
      }
    }
    EXPECT_EQ(restored.manifest.step, restored.from.step);
    return restored.from.step;
  }

  TempFolder folder_;
  std::unique_ptr<store::ObjectStore> store_;
  Candidate older_, newer_;
  std::string fault_;
};

TEST_F(Damage, AFlippedBitAnywhereIsSeenOrHarmless) {
  const std::vector<std::string> files = {kModelName, kOptimizerName, kManifestName};
  std::map<std::string, std::string> whole;
  for (const std::string& file : files) whole[file] = ReadFile(PathOf(file));
  for (int seed = 0; seed < kSeeds; ++seed) {
    std::mt19937_64 random(seed);
    const std::string& file = files[random() % files.size()];
    std::string bytes = whole[file];
    bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    WriteFile(PathOf(file), bytes);
    const int64_t step = RestoredStep();
    // A bit of the manifest that says nothing of the files may change; theirs may not.
    if (file != kManifestName) {
      EXPECT_EQ(step, 100) << "seed " << seed;
    }
    if (step == 100) {
      EXPECT_NE(fault_, "") << "seed " << seed;
    }
    WriteFile(PathOf(file), whole[file]);
  }
  EXPECT_EQ(RestoredStep(), 200);
}

TEST_F(Damage, EmptyObjectsAreNoCheckpoint) {
  for (const char* file : {kModelName, kOptimizerName, kManifestName}) {
    const std::string whole = ReadFile(PathOf(file));
    WriteFile(PathOf(file), "");
    EXPECT_EQ(RestoredStep(), 100) << file;
    EXPECT_NE(fault_.find(file), std::string::npos) << fault_;
    WriteFile(PathOf(file), whole);
  }
}

TEST_F(Damage, AnotherJobsManifestIsRefused) {
  newer_.job = older_.job = "j-2";
  EXPECT_THROW(RestoredStep(), wire::Fault);
  EXPECT_NE(fault_.find("is of job 'j-1', not of 'j-2'"), std::string::npos) << fault_;
}

TEST_F(Damage, AnotherStepsManifestIsRefused) {
  WriteFile(PathOf(kManifestName), ReadFile(folder_ / older_.prefix + kManifestName));
  EXPECT_EQ(RestoredStep(), 100);
  EXPECT_NE(fault_.find("is of step 100, not of step 200"), std::string::npos) << fault_;
}

}  // namespace
}  // namespace ocellus::checkpoint
