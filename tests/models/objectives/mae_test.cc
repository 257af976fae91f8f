#include "models/objectives/mae.h"

#include <gtest/gtest.h>

#include "tests/models/objectives/mae_cases.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

TEST(Mae, WishesForImagesAndNoise) {
  const InputWishes wishes = MakeObjective(SmallDocument(), torch::kCPU)->inputs();
  ASSERT_EQ(wishes.views.size(), 1u);
  EXPECT_EQ(wishes.views[0].name, "images");
  EXPECT_EQ(wishes.views[0].size, 32);
  ASSERT_EQ(wishes.draws.size(), 1u);
  EXPECT_EQ(wishes.draws[0].name, "noise");
  EXPECT_EQ(wishes.draws[0].count, 16);
}

TEST(Mae, HiddenPatchesDoNotReachThePrediction) {
  const auto objective = Initialised(SmallDocument());
  Tensors inputs = Inputs(SmallDocument(), 2);
  const torch::NoGradGuard no_grad;
  const StepOutput before = objective->forward(inputs, {});
  // Patch (3, 3) is hidden in both images; then visible in the first.
  inputs["noise"].index_put_({torch::indexing::Slice(), 15}, 0.99f);
  const torch::Tensor pred = objective->forward(inputs, {}).outputs.at("pred");
  inputs["images"] = inputs["images"].clone();
  inputs["images"].narrow(2, 24, 8).narrow(3, 24, 8).fill_(3.0);
  const StepOutput changed = objective->forward(inputs, {});
  EXPECT_EQ(changed.outputs.at("mask").select(1, 15).min().item<float>(), 1.0f);
  EXPECT_TRUE(torch::equal(pred, changed.outputs.at("pred")));
  inputs["noise"][0][15] = 0.0f;
  EXPECT_FALSE(torch::equal(pred[0], objective->forward(inputs, {}).outputs.at("pred")[0]));
}

TEST(Mae, LossOfTwoHalvesIsTheLossOfTheWhole) {
  const auto objective = Initialised(SmallDocument());
  const Tensors whole = Inputs(SmallDocument(), 6);
  const torch::NoGradGuard no_grad;
  double sum = 0;
  for (const int64_t start : {0, 3}) {
    Tensors half;
    for (const auto& [name, tensor] : whole) half[name] = tensor.narrow(0, start, 3);
    sum += objective->forward(half, {}).loss.item<double>();
  }
  EXPECT_NEAR(sum / 2, objective->forward(whole, {}).loss.item<double>(), 1e-6);
}

TEST(Mae, FeaturesAreOfTheTokenOrOfThePatches) {
  nlohmann::json document = SmallDocument();
  const torch::Tensor images = Inputs(document, 2)["images"];
  const auto features = [&](const char* of) {
    document["objective"]["mae"]["features"] = of;
    return Initialised(document)->features(images);
  };
  const auto objective = Initialised(document);
  const auto& network = dynamic_cast<const MaeNetwork&>(objective->module());
  const torch::NoGradGuard no_grad;
  const torch::Tensor all = torch::arange(16).expand({2, 16});
  const torch::Tensor tokens = network.Encode(images, all, torch::kFloat32);
  EXPECT_TRUE(torch::equal(features("token"), tokens.select(1, 0)));
  EXPECT_TRUE(torch::equal(features("mean"), tokens.slice(1, 1).mean(1)));
  EXPECT_TRUE(torch::equal(features("max"), tokens.slice(1, 1).amax(1)));
}

TEST(Mae, FeaturesDependOnAllPatchesAndCarryNoGraph) {
  const auto objective = Initialised(SmallDocument("bf16"));
  torch::Tensor images = Inputs(SmallDocument(), 2)["images"];
  const torch::Tensor features = objective->features(images);
  EXPECT_EQ(features.sizes(), (std::vector<int64_t>{2, 64}));
  EXPECT_EQ(features.scalar_type(), torch::kFloat32);
  EXPECT_FALSE(features.requires_grad());
  images = images.clone();
  images[0].narrow(1, 24, 8).narrow(2, 24, 8).fill_(3.0);
  EXPECT_FALSE(torch::allclose(features[0], objective->features(images)[0]));
}

TEST(Mae, PicturesAreRowsOfThree) {
  for (const bool norm_pix : {false, true}) {
    nlohmann::json document = SmallDocument();
    document["objective"]["mae"]["norm_pix_loss"] = norm_pix;
    const auto objective = Initialised(document);
    const Tensors inputs = Inputs(document, 3);
    const auto rows = objective->pictures(inputs);
    ASSERT_EQ(rows.size(), 3u);
    ASSERT_EQ(rows[0].size(), 3u);
    for (const torch::Tensor& picture : rows[0]) {
      EXPECT_EQ(picture.sizes(), (std::vector<int64_t>{3, 32, 32}));
      EXPECT_GE(picture.min().item<float>(), 0.0f);
      EXPECT_LE(picture.max().item<float>(), 1.0f);
    }
    // 12 of 16 patches are the mean colour; visible ones are kept in the reconstruction.
    const torch::Tensor grey = (rows[0][1][0] - 0.485).abs() < 1e-6;
    EXPECT_EQ(grey.sum().item<int64_t>(), 12 * 64);
    const torch::Tensor kept = (rows[0][2] == rows[0][0]).all(0);
    EXPECT_GE(kept.sum().item<int64_t>(), 4 * 64);
  }
}

TEST(Mae, PicturesPutBackThePatchsOwnColours) {
  // A perfect prediction of normalised pixels must give the image back; at the start predictions
  // have mean 0, so the reconstruction has each patch's mean.
  const auto objective = Initialised(SmallDocument());
  Tensors inputs = Inputs(SmallDocument(), 1);
  inputs["images"] = torch::full({1, 3, 32, 32}, 0.5f);
  const auto row = objective->pictures(inputs)[0];
  EXPECT_LT((row[2] - row[0]).abs().max().item<float>(), 0.01f);
}

// 1.80 for patches of 16 pixels and the paper's decoder.
TEST(Mae, ChanceIsTheLossOfTheFirstValues) {
  nlohmann::json document = SmallDocument();
  document["model"]["vit"]["image_size"] = 64;
  document["model"]["vit"]["patch_size"] = 16;
  document["objective"]["mae"]["decoder"]["dim"] = 512;
  EXPECT_NEAR(MakeObjective(document, torch::kCPU)->chance_loss(8).value(), 1.80, 0.005);
  document["objective"]["mae"]["norm_pix_loss"] = false;
  EXPECT_FALSE(MakeObjective(document, torch::kCPU)->chance_loss(8).has_value());
}

TEST(Mae, EncoderHasTimmsNamesOnly) {
  const auto objective = Initialised(SmallDocument());
  const Tensors weights = objective->encoder_weights();
  EXPECT_EQ(weights.size(), 2u + 2u + 2u * 12u + 2u);
  for (const auto& [name, tensor] : weights) {
    EXPECT_EQ(name.find("decoder"), std::string::npos) << name;
    EXPECT_EQ(name.find("mask_token"), std::string::npos) << name;
  }
  const auto metadata = objective->encoder_metadata();
  EXPECT_EQ(nlohmann::json::parse(metadata.at("timm_kwargs"))["embed_dim"], 64);
  EXPECT_EQ(metadata.at("mean"), "0.485,0.456,0.406");
  const auto timm = nlohmann::json::parse(metadata.at("timm_pretrained_cfg"));
  EXPECT_EQ(timm["mean"], nlohmann::json({0.485, 0.456, 0.406}));
  EXPECT_EQ(timm["crop_pct"], 0.875);
}

void ExpectRefused(const nlohmann::json& document, const std::string& part) {
  try {
    MakeObjective(document, torch::kCPU);
    ADD_FAILURE() << "accepted, without " << part;
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.fault_class(), wire::FaultClass::kUser);
    EXPECT_NE(std::string(fault.what()).find(part), std::string::npos) << fault.what();
  }
}

TEST(Mae, RefusesSizesThatDoNotFit) {
  nlohmann::json document = SmallDocument();
  document["model"]["vit"]["patch_size"] = 5;
  ExpectRefused(document, "model.vit.image_size: 32 is not divisible by model.vit.patch_size = 5");
  document = SmallDocument();
  document["model"]["vit"]["heads"] = 5;
  ExpectRefused(document, "model.vit.dim: 64");
  document = SmallDocument();
  document["objective"]["mae"]["decoder"]["heads"] = 3;
  ExpectRefused(document, "objective.mae.decoder.dim: 32");
  document = SmallDocument();
  document["objective"]["mae"]["mask_ratio"] = 0.99;
  ExpectRefused(document, "objective.mae.mask_ratio");
  document = SmallDocument();
  document["precision"] = "fp64";
  ExpectRefused(document, "precision");
  document = SmallDocument();
  document["model"] = {{"resnet", nlohmann::json::object()}};
  ExpectRefused(document, "model.vit");
}

}  // namespace
}  // namespace ocellus::models::objectives
