#include "worker/trainer/profile.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "models/ops/linear.h"
#include "tests/support/temp_folder.h"
#include "worker/trainer/peak.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

using testing::HasSubstr;

struct Looked {
  std::vector<std::string> lines;
  nlohmann::json trace;
};

// `steps` steps, of which the profile wants some; each asks for the product of a sample.
Looked Look(int64_t steps, const ProfileWish& wish) {
  Looked looked;
  Profile profile(wish, {.first_step = 11, .samples_per_step = 2},
                  [&](const std::string& line) { looked.lines.push_back(line); });
  for (int64_t step = 11; step < 11 + steps; ++step) {
    profile.BeginStep(step);
    profile.Enter("forward");
    models::ops::Linear(torch::ones({2, 500}), torch::ones({1000, 500}), {}, torch::kFloat32);
    profile.Enter("report");
  }
  profile.Finish();
  profile.Finish();
  looked.trace = nlohmann::json::parse(std::ifstream(wish.file));
  return looked;
}

TEST(Profile, LooksAtTheWishedStepsAlone) {
  const TempFolder folder;
  const Looked looked = Look(9, {folder.path() + "/trace.json", 4, 2});
  EXPECT_THAT(looked.lines.at(0), HasSubstr("steps 13 to 16"));
  // One product a sample: 2 x 500 x 1000 operations.
  EXPECT_THAT(looked.lines.at(3), HasSubstr("0.001 GFLOP a sample"));
  int spans = 0;
  for (const auto& event : looked.trace.at("traceEvents")) {
    if (event.at("ph") == "X") ++spans;
  }
  EXPECT_EQ(spans, 4 * 3);
}

TEST(Profile, OfARunThatEndsEarlyHasWhatThereIs) {
  const TempFolder folder;
  const Looked three = Look(3, {folder.path() + "/trace.json", 4, 2});
  EXPECT_THAT(three.lines.at(0), HasSubstr("steps 13 to 13"));
  EXPECT_TRUE(Look(2, {folder.path() + "/trace.json", 4, 2}).lines.empty());
}

TEST(Profile, RefusesAFileThatCannotBeWritten) {
  EXPECT_THROW(Profile({"/nowhere/trace.json"}, {}, nullptr), wire::Fault);
}

TEST(Peak, IsTheMakersForAKnownNameAndElseMeasured) {
  EXPECT_EQ(MakersPeak("NVIDIA H200"), 989.5e12);
  EXPECT_EQ(MakersPeak("NVIDIA A100-SXM4-80GB"), 312e12);
  EXPECT_EQ(MakersPeak("some other processor"), 0);
  const Peak peak = PeakOf(torch::kCPU, torch::kFloat32);
  EXPECT_GT(peak.flops, 1e8);
  EXPECT_THAT(peak.what, HasSubstr("fp32"));
}

}  // namespace
}  // namespace ocellus::trainer
