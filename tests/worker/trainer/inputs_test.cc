// Views that the loader leaves to the device, as the objective gets them.
#include "worker/trainer/inputs.h"

#include <gtest/gtest.h>

#include "tests/worker/trainer/tiny_job.h"

namespace ocellus::trainer {
namespace {

const models::InputWishes kWishes{
    .views = {{.name = "view1", .size = 16}, {.name = "view2", .size = 23, .kind = "second"}},
    .draws = {{"noise", 5}}};

class Inputs : public testing::Test {
 protected:
  Inputs() { WritePictures(folder_ / "pictures", 24); }

  nlohmann::json Training(const std::string& backend) const {
    auto training = TinyTraining(folder_ / "pictures", 5);
    training["batch"]["accumulate"] = 2;
    training["data"]["augment"].update({{"backend", backend},
                                        {"color_jitter", 0.8},
                                        {"brightness", 0.4},
                                        {"contrast", 0.4},
                                        {"saturation", 0.4},
                                        {"hue", 0.1},
                                        {"grayscale", 0.2},
                                        {"blur", 0.5},
                                        {"views", {{"second", {{"solarize", 0.5}}}}}});
    return training;
  }

  // Two steps of two micro-batches.
  std::vector<models::Tensors> Batches(const nlohmann::json& training) const {
    const auto options =
        TrainingLoader(training["data"], ReadSettings(training), kWishes, /*rank=*/0, /*world=*/1);
    return Batches(training, options);
  }

  static std::vector<models::Tensors> Batches(const nlohmann::json& training,
                                              const data::LoaderOptions& options) {
    const auto loader = data::MakeLoader(OpenTrainingSet(training["data"]), options, 0,
                                         HostMemory(torch::kCPU), nullptr);
    std::vector<models::Tensors> batches;
    for (int i = 0; i < 4; ++i) batches.push_back(ToTensors(loader->Next(), torch::kCPU));
    return batches;
  }

  TempFolder folder_;
};

TEST_F(Inputs, TheDeviceMakesTheFastBackEndsViews) {
  const auto want = Batches(Training("fast")), got = Batches(Training("device"));
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_EQ(got[i].size(), want[i].size());
    for (const auto& [name, tensor] : got[i]) {
      EXPECT_EQ(tensor.scalar_type(), torch::kFloat32) << name;
      ASSERT_EQ(tensor.sizes(), want[i].at(name).sizes()) << name;
      // In bytes, as tests/models/ops/augment_test.cc has it.
      const torch::Tensor off = (tensor - want[i].at(name)).abs() * (255 * 0.22);
      EXPECT_LT(off.max().item<float>(), name == "noise" ? 1e-9 : 1.01) << name;
      EXPECT_LT(off.mean().item<float>(), 0.05) << name;
    }
    EXPECT_GT(got[i].at("view2").std().item<float>(), 0.5);
  }
  EXPECT_FALSE(torch::equal(got[0].at("view1"), got[1].at("view1")));
}

TEST_F(Inputs, AKindOfViewsMayStayTheHosts) {
  auto training = Training("device");
  training["data"]["augment"]["views"]["second"]["backend"] = "fast";
  const auto want = Batches(Training("fast")), got = Batches(training);
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_TRUE(torch::equal(got[i].at("view2"), want[i].at("view2")));
    EXPECT_TRUE(torch::allclose(got[i].at("view1"), want[i].at("view1"), 0, 0.02));
    EXPECT_FALSE(torch::equal(got[i].at("view1"), want[i].at("view1")));
  }
}

TEST_F(Inputs, EvaluationsViewsAreTheHosts) {
  const auto evaluated = [this](const std::string& backend) {
    const auto training = Training(backend);
    return Batches(training, EvaluationLoader(training["data"], ReadSettings(training), kWishes,
                                              /*global_batch=*/6, /*rank=*/0, /*world=*/1));
  };
  const auto want = evaluated("reference"), got = evaluated("device");
  for (size_t i = 0; i < want.size(); ++i) {
    for (const auto& [name, tensor] : want[i]) EXPECT_TRUE(torch::equal(got[i].at(name), tensor));
  }
}

}  // namespace
}  // namespace ocellus::trainer
