#include "models/objectives/rotnet.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "models/nn/resnet.h"
#include "models/optim/optimizer.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

nlohmann::json RotNetDocument(const char* architecture) {
  nlohmann::json document = nlohmann::json::parse(R"({
    "objective": {"rotnet": {}}, "precision": "fp32",
    "optimizer": {"sgd": {"lr": 0.05, "momentum": 0.9, "weight_decay": 0, "nesterov": false,
                          "decay_all": false}}})");
  const nlohmann::json models = nlohmann::json::parse(R"({
    "resnet": {"block": "basic", "layers": [1, 1, 1, 1], "width": 4, "image_size": 32},
    "vit": {"image_size": 32, "patch_size": 8, "dim": 16, "depth": 1, "heads": 2,
            "mlp_ratio": 2}})");
  document["model"] = {{architecture, models[architecture]}};
  return document;
}

std::unique_ptr<Objective> InitialisedRotNet(const nlohmann::json& document) {
  auto objective = MakeObjective(document, torch::kCPU);
  objective->initialise(at::make_generator<at::CPUGeneratorImpl>(3));
  return objective;
}

// A bright corner says which way is up.
Tensors Corners(int64_t batch) {
  torch::manual_seed(2);
  torch::Tensor images = 0.1 * torch::randn({batch, 3, 32, 32});
  images.narrow(2, 0, 12).narrow(3, 0, 12).add_(2.0);
  return {{"images", images}, {"turn", torch::rand({batch, 1})}};
}

TEST(Rotnet, TurnsEachImageByItsOwnQuarters) {
  // A network that only sees turned images: the same image turned by hand has the same logits.
  const auto objective = InitialisedRotNet(RotNetDocument("resnet"));
  const torch::Tensor image = torch::randn({1, 3, 32, 32});
  SingleRank alone;
  const auto logits = [&](const torch::Tensor& images, const torch::Tensor& turn) {
    return objective->forward({{"images", images}, {"turn", turn}}, {.collectives = &alone})
        .outputs.at("logits");
  };
  const torch::Tensor turned =
      torch::cat({image, image.rot90(1, {2, 3}), image.rot90(2, {2, 3}), image.rot90(3, {2, 3})});
  const torch::Tensor turns = torch::tensor({{0.0f}, {0.3f}, {0.6f}, {0.9f}});
  EXPECT_TRUE(torch::allclose(logits(image.repeat({4, 1, 1, 1}), turns),
                              logits(turned, torch::zeros({4, 1})), 1e-5, 1e-6));
}

TEST(Rotnet, FeaturesOfAnEarlierStage) {
  nlohmann::json document = RotNetDocument("resnet");
  const torch::Tensor images = Corners(2)["images"];
  const auto features = [&](const char* of) {
    document["objective"]["rotnet"]["features"] = of;
    return InitialisedRotNet(document)->features(images);
  };
  const auto objective = InitialisedRotNet(document);
  const auto& network = dynamic_cast<const RotnetNetwork&>(objective->module());
  const auto& resnet = dynamic_cast<const nn::ResNet&>(network.encoder());
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(features("stage2"), resnet.After(2, images, {})));
  EXPECT_EQ(features("stage1").sizes(), (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(features("stage3").sizes(), (std::vector<int64_t>{2, 16}));
  EXPECT_TRUE(torch::equal(features("last"), resnet.After(4, images, {})));

  document = RotNetDocument("vit");
  document["objective"]["rotnet"]["features"] = "stage2";
  EXPECT_THROW(MakeObjective(document, torch::kCPU), wire::Fault);
}

TEST(Rotnet, LearnsWhichWayIsUp) {
  for (const char* architecture : {"resnet", "vit"}) {
    const nlohmann::json document = RotNetDocument(architecture);
    const auto objective = InitialisedRotNet(document);
    EXPECT_NEAR(*objective->chance_loss(8), std::log(4.0), 1e-12);
    const auto optimizer = optim::MakeOptimizer(document["optimizer"], objective->module());
    SingleRank alone;
    double loss = 0;
    for (int step = 0; step < 60; ++step) {
      objective->module().zero_grad();
      const StepOutput output = objective->forward(Corners(32), {.collectives = &alone});
      output.loss.backward();
      optimizer->Step(0.05);
      loss = output.loss.item<double>();
    }
    EXPECT_LT(loss, 0.5) << architecture;
  }
}

TEST(Rotnet, ExportsItsEncoderAlone) {
  const auto vit = InitialisedRotNet(RotNetDocument("vit")),
             resnet = InitialisedRotNet(RotNetDocument("resnet"));
  EXPECT_TRUE(vit->encoder_weights().contains("blocks.0.attn.qkv.weight"));
  EXPECT_TRUE(resnet->encoder_weights().contains("layer2.0.downsample.0.weight"));
  EXPECT_FALSE(vit->encoder_weights().contains("head.weight"));
  EXPECT_EQ(nlohmann::json::parse(vit->encoder_metadata().at("timm_kwargs"))["embed_dim"], 16);
  EXPECT_EQ(vit->features(Corners(2).at("images")).sizes(), (std::vector<int64_t>{2, 16}));
}

TEST(Rotnet, NeedsAnEncoderThatExists) {
  nlohmann::json document = RotNetDocument("vit");
  document["model"] = {{"tower", nlohmann::json::object()}};
  EXPECT_THROW(MakeObjective(document, torch::kCPU), wire::Fault);
}

}  // namespace
}  // namespace ocellus::models::objectives
