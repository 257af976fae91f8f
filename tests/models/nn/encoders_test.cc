// Names, shapes and initial values of the parts that methods are made of.
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "models/nn/ema.h"
#include "models/nn/mlp_head.h"
#include "models/nn/resnet.h"
#include "models/nn/vit.h"
#include "worker/wire/fault.h"

namespace ocellus::models::nn {
namespace {

torch::Generator Generator(uint64_t seed = 1) {
  return at::make_generator<at::CPUGeneratorImpl>(seed);
}

int64_t Count(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

std::string Fault(const nlohmann::json& section) {
  try {
    ParseResNetShape(section);
  } catch (const wire::Fault& fault) {
    return fault.what();
  }
  return "";
}

TEST(ResNetTest, HasTorchvisionsSizes) {
  // Parameters of torchvision's networks, less those of fc.
  for (const auto& [depth, count] : std::vector<std::pair<int64_t, int64_t>>{
           {18, 11176512}, {34, 21284672}, {50, 23508032}, {101, 42500160}, {152, 58143808}}) {
    const ResNet net(ParseResNetShape({{"depth", depth}, {"width", 64}}));
    EXPECT_EQ(Count(net), count) << depth;
    EXPECT_EQ(net.features(), depth < 50 ? 512 : 2048);
  }
  EXPECT_EQ(ResNet(ParseResNetShape({{"depth", 50}, {"width", 128}})).features(), 4096);
}

TEST(ResNetTest, HasTorchvisionsNames) {
  const ResNet net(ParseResNetShape({{"depth", 50}}));
  const auto parameters = net.named_parameters();
  const auto sizes = [&](const std::string& name) { return parameters[name].sizes().vec(); };
  using Shape = std::vector<int64_t>;
  EXPECT_EQ(sizes("conv1.weight"), (Shape{64, 3, 7, 7}));
  EXPECT_EQ(sizes("layer1.0.downsample.0.weight"), (Shape{256, 64, 1, 1}));
  EXPECT_EQ(sizes("layer2.0.conv2.weight"), (Shape{128, 128, 3, 3}));
  EXPECT_EQ(sizes("layer4.2.bn3.bias"), (Shape{2048}));
  EXPECT_EQ(net.named_buffers()["layer3.5.bn1.num_batches_tracked"].scalar_type(), torch::kInt64);
  EXPECT_FALSE(parameters.contains("layer1.1.downsample.0.weight"));
  EXPECT_FALSE(parameters.contains("fc.weight"));
}

TEST(ResNetTest, RefusesShapesThatAreNone) {
  EXPECT_NE(Fault({{"depth", 19}}).find("model.resnet.depth"), std::string::npos);
  EXPECT_NE(Fault({{"block", "basic"}}).find("model.resnet.layers"), std::string::npos);
  EXPECT_NE(Fault({{"block", "wide"}, {"layers", {1, 1, 1, 1}}}).find("block"), std::string::npos);
  EXPECT_NE(Fault({{"depth", 18}, {"block", "basic"}}).find("either"), std::string::npos);
  EXPECT_NE(Fault(nlohmann::json::object()).find("either"), std::string::npos);
}

TEST(ResNetTest, StartsWithBlocksThatDoNothing) {
  ResNet net(ParseResNetShape({{"block", "bottleneck"}, {"layers", {2, 1, 1, 1}}, {"width", 16}}));
  torch::Generator generator = Generator();
  net.Initialise(generator);
  const auto parameters = net.named_parameters();
  EXPECT_EQ(parameters["layer1.1.bn3.weight"].abs().max().item<float>(), 0);
  EXPECT_EQ(parameters["layer1.1.bn2.weight"].min().item<float>(), 1);
  EXPECT_EQ(parameters["layer2.0.downsample.1.weight"].min().item<float>(), 1);
  const torch::Tensor wide = parameters["layer4.0.conv2.weight"];
  EXPECT_NEAR(wide.std().item<double>(), std::sqrt(2.0 / (9 * 128)), 1e-3);
}

TEST(ResNetTest, ComputesInBf16CloseToFp32) {
  ResNet net(ParseResNetShape({{"block", "basic"}, {"layers", {1, 1, 1, 1}}, {"width", 8}}));
  torch::Generator generator = Generator();
  net.Initialise(generator);
  for (auto& item : net.named_parameters()) {
    if (item.key().ends_with("bn2.weight")) item.value().detach().fill_(0.5);
  }
  const torch::Tensor images = torch::randn({4, 3, 64, 64}, generator);
  SingleRank alone;
  const torch::Tensor exact = net.forward(images, {torch::kFloat32, &alone});
  const torch::Tensor rounded = net.forward(images, {torch::kBFloat16, &alone});
  EXPECT_EQ(rounded.scalar_type(), torch::kFloat32);
  EXPECT_LT((exact - rounded).norm().item<double>(), 0.05 * exact.norm().item<double>());
  EXPECT_EQ(exact.sizes(), (std::vector<int64_t>{4, 64}));
}

TEST(ResNetTest, EvaluationChangesNothing) {
  ResNet net(ParseResNetShape({{"block", "basic"}, {"layers", {1, 1, 1, 1}}, {"width", 4}}));
  torch::Generator generator = Generator();
  net.Initialise(generator);
  const torch::Tensor images = torch::randn({3, 3, 32, 32}, generator);
  const torch::Tensor first = net.forward(images, {});
  EXPECT_TRUE(torch::equal(first, net.forward(images, {})));
  // One image alone has the features that it has among others.
  EXPECT_TRUE(torch::allclose(net.forward(images.narrow(0, 1, 1), {})[0], first[1], 1e-4, 1e-5));
  EXPECT_EQ(net.named_buffers()["bn1.num_batches_tracked"].item<int64_t>(), 0);
}

TEST(VitTest, StartsAsMocoV3Does) {
  Vit vit({.image_size = 32, .patch_size = 8, .dim = 48, .depth = 2, .heads = 3, .mlp_ratio = 3});
  torch::Generator generator = Generator();
  vit.Initialise(generator);
  const auto parameters = vit.named_parameters();
  const auto expect_bound = [&](const std::string& name, double limit) {
    const double most = parameters[name].abs().max().item<double>();
    EXPECT_LE(most, limit) << name;
    EXPECT_GT(most, 0.98 * limit) << name;
  };
  expect_bound("blocks.0.attn.qkv.weight", std::sqrt(6.0 / (48 + 48)));
  // As wide as three times its input, and yet one layer.
  expect_bound("blocks.1.mlp.fc1.weight", std::sqrt(6.0 / (48 + 144)));
  expect_bound("patch_embed.proj.weight", std::sqrt(6.0 / (3 * 64 + 48)));
  EXPECT_EQ(parameters["patch_embed.proj.bias"].abs().max().item<float>(), 0);
  EXPECT_LT(parameters["cls_token"].abs().max().item<double>(), 1e-5);
  EXPECT_FALSE(parameters["pos_embed"].requires_grad());
  EXPECT_NEAR(parameters["pos_embed"][0][2][24].item<double>(), std::sin(1.0), 1e-6);
}

TEST(MlpHeadTest, NumbersLayersAsASequential) {
  MlpHead head({LinearPart{6, 5}, BatchNormPart{5}, ReluPart{}, LinearPart{5, 4, true},
                BatchNormPart{4, false}});
  torch::Generator generator = Generator();
  head.Initialise(generator);
  std::vector<std::string> names;
  for (const auto& item : head.named_parameters()) names.push_back(item.key());
  EXPECT_EQ(names,
            (std::vector<std::string>{"0.weight", "1.weight", "1.bias", "3.weight", "3.bias"}));
  EXPECT_TRUE(head.named_buffers().contains("4.running_var"));
  const auto parameters = head.named_parameters();
  EXPECT_LE(parameters["0.weight"].abs().max().item<double>(), 1 / std::sqrt(6.0));
  EXPECT_GT(parameters["0.weight"].abs().max().item<double>(), 0.8 / std::sqrt(6.0));
  EXPECT_GT(parameters["3.bias"].abs().max().item<double>(), 0.0);

  SingleRank alone;
  const torch::Tensor y = head.forward(torch::randn({16, 6}, generator), {torch::kFloat32, &alone});
  EXPECT_LT(y.mean(0).abs().max().item<double>(), 1e-6);
  EXPECT_NEAR(y.var(0, false).mean().item<double>(), 1.0, 1e-3);
}

TEST(EmaTest, MovesParametersAndLeavesBuffers) {
  MlpHead source({LinearPart{3, 2}, BatchNormPart{2}}), copy({LinearPart{3, 2}, BatchNormPart{2}});
  torch::Generator generator = Generator();
  source.Initialise(generator);
  Ema ema;
  ema.Add(source, copy);
  ema.Copy();
  const torch::Tensor own = copy.named_parameters()["0.weight"];
  const torch::Tensor start = own.clone();
  EXPECT_TRUE(torch::equal(own, source.named_parameters()["0.weight"]));
  EXPECT_FALSE(own.requires_grad());
  {
    const torch::NoGradGuard no_grad;
    source.named_parameters()["0.weight"].add_(1.0);
    source.named_buffers()["1.running_mean"].fill_(5.0);
  }
  ema.Update(0.75);
  EXPECT_TRUE(torch::allclose(own, start + 0.25));
  EXPECT_EQ(copy.named_buffers()["1.running_mean"].max().item<float>(), 0);
  MlpHead other({LinearPart{3, 2}});
  EXPECT_THROW(ema.Add(source, other), std::logic_error);
}

TEST(EmaTest, FollowsItsSchedule) {
  const MomentumSchedule cosine{.momentum = 0.99, .cosine = true};
  EXPECT_DOUBLE_EQ(cosine.At(0, 100), 0.99);
  EXPECT_NEAR(cosine.At(50, 100), 0.995, 1e-12);
  EXPECT_DOUBLE_EQ(cosine.At(100, 100), 1.0);
  EXPECT_DOUBLE_EQ((MomentumSchedule{.momentum = 0.9}).At(50, 100), 0.9);
  EXPECT_THROW(ParseMomentumSchedule({{"momentum", 2.0}, {"momentum_schedule", "cosine"}}, "x"),
               wire::Fault);
  EXPECT_THROW(ParseMomentumSchedule({{"momentum", 0.5}, {"momentum_schedule", "linear"}}, "x"),
               wire::Fault);
}

}  // namespace
}  // namespace ocellus::models::nn
