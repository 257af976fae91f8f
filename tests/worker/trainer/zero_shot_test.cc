#include "worker/trainer/zero_shot.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

// Counts the letters a, b, c of a text; the length of the row does not matter.
torch::Tensor Letters(const std::vector<std::string>& texts) {
  torch::Tensor rows = torch::zeros({static_cast<int64_t>(texts.size()), 3});
  for (size_t i = 0; i < texts.size(); ++i) {
    for (const char c : texts[i]) {
      if (c >= 'a' && c <= 'c') rows[i][c - 'a'] += 1;
    }
  }
  return rows;
}

TEST(ZeroShot, AClassIsTheMeanDirectionOfItsTexts) {
  const torch::Tensor made = ZeroShotClassifier({"a", "b"}, {"{}", "{}cc{}", "zzz {}!"}, Letters);
  EXPECT_EQ(made.sizes(), (std::vector<int64_t>{2, 3}));
  const torch::Tensor first =
      torch::tensor({1.f, 0.f, 0.f}) * 2 / 3 + torch::tensor({1.f, 0.f, 2.f}) / std::sqrt(5.f) / 3;
  EXPECT_LT((made[0] - first / first.norm()).abs().max().item<double>(), 1e-6);
}

TEST(ZeroShot, CountsTheBestAndTheBestFive) {
  const torch::Tensor classifier = torch::eye(8);
  LabelledFeatures images{torch::eye(8), {0, 1, 2, 3, 4, 5, 6, 7}};
  EXPECT_EQ(ZeroShotAccuracy(images, classifier).top1, 1);
  images.labels = {1, 1, 2, 3, -1, -1, -1, 99};
  EXPECT_EQ(ZeroShotAccuracy(images, classifier).top1, 0.6);
  // Scores fall with the class's number: labels 0 to 4 are among the best five.
  images.features = torch::linspace(8, 1, 8).expand({8, 8});
  images.labels = {0, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(ZeroShotAccuracy(images, classifier).top1, 1.0 / 8);
  EXPECT_EQ(ZeroShotAccuracy(images, classifier).top5, 5.0 / 8);
}

TEST(ZeroShot, FewClassesHaveNoFifth) {
  const LabelledFeatures images{torch::eye(2), {0, 0}};
  EXPECT_EQ(ZeroShotAccuracy(images, torch::eye(2)).top5, 1);
}

TEST(ZeroShot, NamesComeFromAListOrAFile) {
  EXPECT_THAT(ClassNames({"cat", "sea lion"}), testing::ElementsAre("cat", "sea lion"));
  EXPECT_THAT(ClassNames(""), testing::IsEmpty());
  const std::string path = testing::TempDir() + "classes.txt";
  std::ofstream(path) << "cat\r\nsea lion\n";
  EXPECT_THAT(ClassNames(path), testing::ElementsAre("cat", "sea lion"));
  EXPECT_THROW(ClassNames("/nowhere/classes.txt"), wire::Fault);
}

}  // namespace
}  // namespace ocellus::trainer
