#include "models/objectives/clip.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "models/optim/optimizer.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

nlohmann::json ClipDocument(const std::string& loss = "infonce", int64_t chunk = 0) {
  nlohmann::json document = nlohmann::json::parse(R"({
    "objective": {"clip": {
      "embed_dim": 16, "logit_scale_max": 100, "logit_bias_init": -10, "quick_gelu": false,
      "text": {"width": 24, "heads": 2, "layers": 2, "vocab_size": 60, "context_length": 8}}},
    "model": {"vit": {"image_size": 16, "patch_size": 8, "dim": 32, "depth": 2, "heads": 4,
                      "mlp_ratio": 4}},
    "precision": "fp32"})");
  document["objective"]["clip"]["loss"] = loss;
  document["objective"]["clip"]["chunk"] = chunk;
  return document;
}

std::unique_ptr<Objective> Made(const nlohmann::json& document) {
  auto objective = MakeObjective(document, torch::kCPU);
  objective->initialise(at::make_generator<at::CPUGeneratorImpl>(3));
  return objective;
}

Tensors ClipInputs(int64_t batch) {
  torch::manual_seed(9);
  torch::Tensor tokens = torch::randint(1, 58, {batch, 8}, torch::kInt64);
  tokens.select(1, 0).fill_(58);
  tokens.select(1, 5).fill_(59);
  tokens.narrow(1, 6, 2).zero_();
  return {{"images", torch::randn({batch, 3, 16, 16})}, {"tokens", tokens}};
}

// The loss, and each parameter's gradient in the module's order.
std::vector<torch::Tensor> Gradients(Objective& objective, const Tensors& inputs) {
  SingleRank alone;
  const StepOutput output = objective.forward(inputs, {.collectives = &alone});
  output.loss.backward();
  std::vector<torch::Tensor> all{output.loss.detach()};
  for (const auto& parameter : objective.module().parameters()) all.push_back(parameter.grad());
  return all;
}

TEST(Clip, ChunksChangeNothing) {
  for (const std::string loss : {"infonce", "siglip"}) {
    const Tensors inputs = ClipInputs(10);
    const auto whole = Gradients(*Made(ClipDocument(loss)), inputs);
    for (const int64_t chunk : {1, 4, 9, 10}) {
      const auto pieces = Gradients(*Made(ClipDocument(loss, chunk)), inputs);
      ASSERT_EQ(pieces.size(), whole.size());
      for (size_t i = 0; i < whole.size(); ++i) {
        ASSERT_TRUE(pieces[i].defined()) << i;
        EXPECT_LE((pieces[i] - whole[i]).abs().max().item<double>(),
                  1e-7 + 1e-5 * whole[i].abs().max().item<double>())
            << loss << " chunk " << chunk << " number " << i;
      }
    }
  }
}

TEST(Clip, GradientsComeOncePerParameterInChunks) {
  const auto objective = Made(ClipDocument("infonce", 3));
  std::map<std::string, int> calls;
  for (const auto& item : objective->module().named_parameters()) {
    item.value().register_hook(
        [&calls, name = item.key()](const torch::Tensor&) { ++calls[name]; });
  }
  Gradients(*objective, ClipInputs(9));
  EXPECT_EQ(calls["logit_scale"], 1);
  for (const auto& item : objective->module().named_parameters()) {
    EXPECT_GE(calls[item.key()], 1) << item.key();
  }
}

TEST(Clip, StartsAsOpenClipDoes) {
  const auto infonce = Made(ClipDocument()), siglip = Made(ClipDocument("siglip"));
  const auto of = [](Objective& objective, const std::string& name) {
    return objective.module().named_parameters()[name];
  };
  EXPECT_NEAR(of(*infonce, "logit_scale").item<double>(), std::log(1 / 0.07), 1e-6);
  EXPECT_NEAR(of(*siglip, "logit_scale").item<double>(), std::log(10.0), 1e-6);
  EXPECT_EQ(of(*siglip, "logit_bias").item<double>(), -10.0);
  EXPECT_FALSE(infonce->module().named_parameters().contains("logit_bias"));
  const double text =
      of(*infonce, "transformer.resblocks.0.attn.in_proj_weight").std().item<double>();
  EXPECT_NEAR(text, std::pow(24, -0.5), 0.15 * std::pow(24, -0.5));
  EXPECT_EQ(of(*infonce, "visual.ln_pre.weight").min().item<double>(), 1.0);
  EXPECT_GT(of(*infonce, "visual.transformer.resblocks.1.mlp.c_fc.bias").abs().max().item<double>(),
            0.0);
}

TEST(Clip, LossOfAFreshModelIsNearChance) {
  const Tensors inputs = ClipInputs(32);
  SingleRank alone;
  const auto infonce = Made(ClipDocument());
  const double chance = *infonce->chance_loss(32);
  EXPECT_NEAR(chance, std::log(32.0), 1e-12);
  EXPECT_NEAR(Made(ClipDocument("siglip"))->chance_loss(32).value(), 10.0 + 31 * 4.54e-5, 1e-4);
  const double loss = infonce->forward(inputs, {.collectives = &alone}).loss.item<double>();
  EXPECT_GT(loss, 0.7 * chance);
}

TEST(Clip, ScaleIsHeldAfterAStep) {
  const auto objective = Made(ClipDocument());
  torch::Tensor scale = objective->module().named_parameters()["logit_scale"];
  const torch::NoGradGuard no_grad;
  for (const auto& [before, after] : {std::pair{9.0, std::log(100.0)}, {-1.0, 0.0}, {2.0, 2.0}}) {
    scale.fill_(before);
    objective->after_step({});
    EXPECT_NEAR(scale.item<double>(), after, 1e-6);
  }
}

TEST(Clip, EmbeddingsAreWhatTheLossCompares) {
  const auto objective = Made(ClipDocument());
  const Tensors inputs = ClipInputs(4);
  SingleRank alone;
  const StepOutput output = objective->forward(inputs, {.collectives = &alone});
  const torch::Tensor images = objective->image_embeddings(inputs.at("images"));
  const torch::Tensor texts = objective->text_features(inputs.at("tokens"));
  EXPECT_TRUE(torch::allclose(images, output.outputs.at("image_features")));
  EXPECT_TRUE(torch::allclose(texts, output.outputs.at("text_features")));
  EXPECT_TRUE(torch::allclose(images.norm(2, 1), torch::ones({4})));
  EXPECT_EQ(objective->features(inputs.at("images")).sizes(), at::IntArrayRef({4, 32}));
}

TEST(Clip, WordsBehindTheEndAreNotSeen) {
  const auto objective = Made(ClipDocument());
  torch::Tensor tokens = ClipInputs(2).at("tokens");
  const torch::Tensor before = objective->text_features(tokens);
  tokens.narrow(1, 6, 2).fill_(7);
  EXPECT_TRUE(torch::equal(objective->text_features(tokens), before));
  tokens.select(1, 2).fill_(8);
  EXPECT_FALSE(torch::equal(objective->text_features(tokens), before));
}

TEST(Clip, Bf16IsNearFp32) {
  nlohmann::json document = ClipDocument();
  const Tensors inputs = ClipInputs(8);
  const auto exact = Gradients(*Made(document), inputs);
  document["precision"] = "bf16";
  for (const bool quick : {false, true}) {
    document["objective"]["clip"]["quick_gelu"] = quick;
    const auto rounded = Gradients(*Made(document), inputs);
    for (const auto& gradient : rounded) EXPECT_EQ(gradient.scalar_type(), torch::kFloat32);
    if (quick) continue;
    EXPECT_NEAR(rounded[0].item<double>(), exact[0].item<double>(), 0.02 * exact[0].item<double>());
  }
}

TEST(Clip, ANetworkWithoutViTIsRefused) {
  nlohmann::json document = ClipDocument();
  document["model"] = {{"resnet", {{"depth", 50}}}};
  try {
    MakeObjective(document, torch::kCPU);
    FAIL() << "a ResNet was taken";
  } catch (const wire::Fault& fault) {
    EXPECT_NE(std::string(fault.what()).find("model.vit"), std::string::npos) << fault.what();
  }
}

}  // namespace
}  // namespace ocellus::models::objectives
