// Numbers of the official code for MAE's loss, and what its set-up implies at the start.
#include <gtest/gtest.h>

#include "models/ops/masked_pixel_loss.h"
#include "tests/models/objectives/mae_cases.h"

namespace ocellus::models::objectives {
namespace {

torch::Tensor Waves(at::IntArrayRef shape, double pace, bool cosine) {
  const torch::Tensor angles = torch::arange(c10::multiply_integers(shape), torch::kFloat64) * pace;
  return (cosine ? angles.cos() : angles.sin()).to(torch::kFloat32).view(shape);
}

float GoldenLoss(bool normalise) {
  const torch::Tensor mask = torch::tensor({{1.f, 0.f, 1.f, 0.f}});
  return ops::MaskedPixelLoss(Waves({1, 4, 48}, 0.3, true), Waves({1, 3, 8, 8}, 0.7, false), mask,
                              4, normalise)
      .item<float>();
}

TEST(MaeGolden, RawPixelLoss) { EXPECT_NEAR(GoldenLoss(false), 0.98292422, 1e-6); }

TEST(MaeGolden, NormalisedPixelLoss) { EXPECT_NEAR(GoldenLoss(true), 1.51703215, 1e-6); }

TEST(MaeGolden, LossAtTheStartIsOnePlusTheVarianceOfPredictions) {
  nlohmann::json document = SmallDocument();
  document["model"]["vit"]["image_size"] = 128;
  document["model"]["vit"]["patch_size"] = 16;
  document["objective"]["mae"]["decoder"] = {{"dim", 512}, {"depth", 2}, {"heads", 16}};
  const auto objective = Initialised(document);
  const torch::NoGradGuard no_grad;
  const StepOutput output = objective->forward(Inputs(document, 8), {});
  // decoder_pred has output variance 512 * 2 / (512 + 768).
  EXPECT_NEAR(output.loss.item<float>(), 1.8, 0.1);
  EXPECT_NEAR(output.outputs.at("pred").var().item<float>(), 0.8, 0.1);
}

TEST(MaeGolden, InitialValuesHaveTheOfficialBounds) {
  const auto objective = Initialised(SmallDocument());
  const auto parameters = objective->module().named_parameters();
  const auto bound = [&](const std::string& name) {
    return parameters[name].detach().abs().max().item<double>();
  };
  // Uniform numbers come close to their bound and stay below it.
  const auto expect_bound = [&](const std::string& name, double limit) {
    EXPECT_LE(bound(name), limit) << name;
    EXPECT_GT(bound(name), 0.98 * limit) << name;
  };
  expect_bound("patch_embed.proj.weight", std::sqrt(6.0 / (192 + 64)));
  expect_bound("blocks.0.attn.qkv.weight", std::sqrt(6.0 / (4 * 64)));
  expect_bound("blocks.1.mlp.fc2.weight", std::sqrt(6.0 / (5 * 64)));
  EXPECT_LE(bound("patch_embed.proj.bias"), 1 / std::sqrt(192.0));
  EXPECT_GT(bound("patch_embed.proj.bias"), 0.5 / std::sqrt(192.0));
  EXPECT_EQ(bound("blocks.0.attn.qkv.bias"), 0.0);
  EXPECT_NEAR(parameters["cls_token"].std().item<double>(), 0.02, 0.008);
  EXPECT_EQ(parameters["norm.weight"].min().item<float>(), 1.0f);
  EXPECT_FALSE(parameters["pos_embed"].requires_grad());
  EXPECT_FALSE(parameters["decoder_pos_embed"].requires_grad());
  EXPECT_EQ(bound("pos_embed"), 1.0);
}

TEST(MaeGolden, TheSameSeedGivesTheSameValues) {
  const auto one = Initialised(SmallDocument(), 4), two = Initialised(SmallDocument(), 4);
  const auto other = Initialised(SmallDocument(), 5);
  const auto weight = [](Objective& objective) {
    return objective.module().named_parameters()["decoder_pred.weight"];
  };
  EXPECT_TRUE(torch::equal(weight(*one), weight(*two)));
  EXPECT_FALSE(torch::equal(weight(*one), weight(*other)));
}

}  // namespace
}  // namespace ocellus::models::objectives
