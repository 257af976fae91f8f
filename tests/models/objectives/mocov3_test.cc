#include "models/objectives/mocov3.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "models/optim/optimizer.h"
#include "models/weights/weights.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

using nlohmann::json;

json Document(bool vit, const std::string& precision = "fp32") {
  json moco = {{"temperature", 0.2},
               {"momentum", 0.9},
               {"momentum_schedule", "constant"},
               {"proj_dim", 16},
               {"mlp_dim", 32}};
  json model = {{"resnet", {{"block", "basic"}, {"layers", {1, 1, 1, 1}}, {"width", 8}}}};
  if (vit) {
    model = {{"vit",
              {{"image_size", 32},
               {"patch_size", 8},
               {"dim", 32},
               {"depth", 2},
               {"heads", 2},
               {"mlp_ratio", 4}}}};
  }
  return {{"objective", {{"mocov3", moco}}}, {"model", model}, {"precision", precision}};
}

std::unique_ptr<Objective> Made(const json& document) {
  auto objective = MakeObjective(document, torch::kCPU);
  objective->initialise(at::make_generator<at::CPUGeneratorImpl>(1));
  return objective;
}

Tensors Views(int64_t images) {
  torch::manual_seed(5);
  const torch::Tensor view = torch::randn({images, 3, 32, 32});
  return {{"view1", view}, {"view2", view + 0.1 * torch::randn_like(view)}};
}

Tensors Copied(Objective& objective) {
  Tensors copies;
  for (const auto& [name, tensor] : weights::State(objective)) copies[name] = tensor.clone();
  return copies;
}

std::string Refusal(const json& document) {
  try {
    MakeObjective(document, torch::kCPU);
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.outcome(), "BAD_SPEC");
    return fault.what();
  }
  return "";
}

TEST(Mocov3, WantsTwoViewsOfDifferentKinds) {
  const auto resnet = Made(Document(false));
  const InputWishes wishes = resnet->inputs();
  ASSERT_EQ(wishes.views.size(), 2u);
  EXPECT_EQ(wishes.views[0].kind, "");
  EXPECT_EQ(wishes.views[1].name, "view2");
  EXPECT_EQ(wishes.views[1].kind, "second");
  EXPECT_TRUE(wishes.views[1].any_size);
  EXPECT_EQ(Made(Document(true))->inputs().views[0].size, 32);
}

TEST(Mocov3, FreezesWhatTheOfficialCodeFreezes) {
  json document = Document(true);
  const auto frozen = [](Objective& objective, const std::string& name) {
    return !objective.module().named_parameters()[name].requires_grad();
  };
  const auto objective = Made(document);
  EXPECT_TRUE(frozen(*objective, "base_encoder.patch_embed.proj.weight"));
  EXPECT_TRUE(frozen(*objective, "base_encoder.patch_embed.proj.bias"));
  EXPECT_TRUE(frozen(*objective, "base_encoder.pos_embed"));
  EXPECT_TRUE(frozen(*objective, "momentum_encoder.head.6.weight"));
  EXPECT_FALSE(frozen(*objective, "predictor.0.weight"));
  document["objective"]["mocov3"]["freeze_patch_embed"] = false;
  EXPECT_FALSE(frozen(*Made(document), "base_encoder.patch_embed.proj.weight"));
}

TEST(Mocov3, StartsNearChanceWithEqualEncoders) {
  for (const bool vit : {false, true}) {
    const auto objective = Made(Document(vit));
    const Tensors state = weights::State(*objective);
    for (const auto& [name, tensor] : state) {
      if (!name.starts_with("momentum_encoder.")) continue;
      EXPECT_TRUE(torch::equal(tensor, state.at("base_" + name.substr(9)))) << name;
    }
    EXPECT_NEAR(objective->chance_loss(4096).value(), 6.654, 1e-3);
    SingleRank alone;
    const double loss = objective->forward(Views(64), {.collectives = &alone}).loss.item<double>();
    const double chance = objective->chance_loss(64).value();
    EXPECT_GT(loss, 0.7 * chance);
    EXPECT_LT(loss, 1.5 * chance);
  }
}

TEST(Mocov3, MovesTheSlowCopyOnceAStep) {
  const auto objective = Made(Document(false));
  {
    const torch::NoGradGuard no_grad;
    for (const auto& item : objective->module().named_parameters()) {
      if (item.key().starts_with("base_encoder.")) item.value().add_(1.0);
    }
  }
  const std::string name = "momentum_encoder.layer4.0.conv1.weight";
  const torch::Tensor own = objective->module().named_parameters()[name];
  const torch::Tensor start = own.clone();
  SingleRank alone;
  objective->forward(Views(4), {.collectives = &alone, .micro = 0});
  EXPECT_TRUE(torch::allclose(own, start + 0.1, 1e-5, 1e-5));
  const torch::Tensor moved = own.clone();
  objective->forward(Views(4), {.collectives = &alone, .micro = 1});
  objective->after_step({.collectives = &alone});
  EXPECT_TRUE(torch::equal(own, moved));
}

TEST(Mocov3, FeaturesHaveNoSideEffects) {
  for (const bool vit : {false, true}) {
    const auto objective = Made(Document(vit));
    const Tensors before = Copied(*objective);
    const torch::Tensor features = objective->features(Views(3).at("view1"));
    EXPECT_EQ(features.sizes(), (std::vector<int64_t>{3, vit ? 32 : 64}));
    EXPECT_FALSE(features.requires_grad());
    for (const auto& [name, tensor] : weights::State(*objective)) {
      EXPECT_TRUE(torch::equal(tensor, before.at(name))) << name;
    }
  }
}

TEST(Mocov3, ABadBatchLeavesRunningValuesAlone) {
  const auto objective = Made(Document(false));
  const Tensors before = Copied(*objective);
  Tensors views = Views(4);
  for (auto& [name, view] : views) view[1][0][3][3] = NAN;
  SingleRank alone;
  const StepOutput output = objective->forward(views, {.collectives = &alone});
  EXPECT_FALSE(std::isfinite(output.loss.item<float>()));
  for (const auto& item : objective->module().named_buffers()) {
    EXPECT_TRUE(torch::equal(item.value(), before.at(item.key()))) << item.key();
  }
}

TEST(Mocov3, HasFp32IslandsInBf16) {
  for (const bool vit : {false, true}) {
    const auto exact = Made(Document(vit)), rounded = Made(Document(vit, "bf16"));
    SingleRank alone;
    const StepOutput want = exact->forward(Views(16), {.collectives = &alone});
    const StepOutput got = rounded->forward(Views(16), {.collectives = &alone});
    EXPECT_EQ(got.loss.scalar_type(), torch::kFloat32);
    EXPECT_NEAR(got.loss.item<float>(), want.loss.item<float>(), 0.05);
    got.loss.backward();
    for (const auto& [name, tensor] : optim::TrainableParameters(rounded->module())) {
      ASSERT_TRUE(tensor.grad().defined()) << name;
      EXPECT_EQ(tensor.grad().scalar_type(), torch::kFloat32) << name;
      EXPECT_TRUE(tensor.grad().isfinite().all().item<bool>()) << name;
    }
  }
}

TEST(Mocov3, ExportsTheBaseEncoderWithoutItsProjector) {
  const auto resnet = Made(Document(false));
  const Tensors weights = resnet->encoder_weights();
  EXPECT_TRUE(weights.contains("layer1.0.bn1.running_mean"));
  EXPECT_TRUE(weights.contains("conv1.weight"));
  for (const auto& [name, tensor] : weights) EXPECT_FALSE(name.starts_with("fc.")) << name;
  EXPECT_EQ(resnet->encoder_metadata().at("model"), "resnet");

  const auto vit = Made(Document(true));
  EXPECT_TRUE(vit->encoder_weights().contains("blocks.1.attn.qkv.bias"));
  EXPECT_FALSE(vit->encoder_weights().contains("head.0.weight"));
  EXPECT_EQ(json::parse(vit->encoder_metadata().at("timm_kwargs"))["embed_dim"], 32);
}

TEST(Mocov3, RefusesWhatCannotWork) {
  json document = Document(false);
  document["objective"]["mocov3"]["temperature"] = 0;
  EXPECT_NE(Refusal(document).find("temperature"), std::string::npos);
  document = Document(false);
  document["model"] = {{"convnext", json::object()}};
  EXPECT_NE(Refusal(document).find("model.vit or model.resnet"), std::string::npos);

  SingleRank alone;
  const auto objective = Made(Document(true));
  EXPECT_THROW(objective->forward(Views(1), {.collectives = &alone}), wire::Fault);
}

}  // namespace
}  // namespace ocellus::models::objectives
