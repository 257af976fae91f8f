#include "models/nn/block.h"

#include <gtest/gtest.h>

namespace ocellus::models::nn {
namespace {

constexpr BlockShape kShape{.width = 24, .heads = 3, .hidden = 40, .eps = 1e-6};

void Randomise(torch::nn::Module& module) {
  torch::manual_seed(5);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : module.parameters()) parameter.normal_(0.0, 0.3);
}

// timm's block, written out with ATen.
torch::Tensor Reference(torch::nn::Module& block, torch::Tensor x) {
  const auto parameters = block.named_parameters();
  const auto linear = [&](const torch::Tensor& in, const std::string& name) {
    return torch::linear(in, parameters[name + ".weight"], parameters[name + ".bias"]);
  };
  const auto norm = [&](const torch::Tensor& in, const std::string& name) {
    return torch::layer_norm(in, {24}, parameters[name + ".weight"], parameters[name + ".bias"],
                             1e-6);
  };
  const int64_t batch = x.size(0), tokens = x.size(1);
  const torch::Tensor qkv =
      linear(norm(x, "norm1"), "attn.qkv").view({batch, tokens, 3, 3, 8}).permute({2, 0, 3, 1, 4});
  const torch::Tensor scores = torch::matmul(qkv[0], qkv[1].transpose(-2, -1)) / std::sqrt(8.0);
  const torch::Tensor mixed =
      torch::matmul(scores.softmax(-1), qkv[2]).transpose(1, 2).reshape({batch, tokens, 24});
  x = x + linear(mixed, "attn.proj");
  return x + linear(torch::gelu(linear(norm(x, "norm2"), "mlp.fc1")), "mlp.fc2");
}

TEST(Block, IsTimms) {
  Block block(kShape);
  Randomise(block);
  const torch::Tensor x = torch::randn({2, 7, 24});
  const Stream out = block.forward({x, {}}, torch::kFloat32);
  EXPECT_TRUE(torch::allclose(out.residual + out.branch, Reference(block, x), 1e-4, 1e-4));
}

TEST(Block, HasTimmsNames) {
  Blocks blocks(2, kShape);
  std::vector<std::string> names;
  for (const auto& item : blocks.named_parameters()) names.push_back(item.key());
  const std::vector<std::string> expected{"norm1.weight",  "norm1.bias",       "attn.qkv.weight",
                                          "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias",
                                          "norm2.weight",  "norm2.bias",       "mlp.fc1.weight",
                                          "mlp.fc1.bias",  "mlp.fc2.weight",   "mlp.fc2.bias"};
  ASSERT_EQ(names.size(), 24u);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(names[i], "0." + expected[i]);
    EXPECT_EQ(names[12 + i], "1." + expected[i]);
  }
}

TEST(Block, KeepsTheStreamInSinglePrecision) {
  Blocks blocks(2, kShape);
  Randomise(blocks);
  const Stream out = blocks.forward({torch::randn({1, 4, 24}), {}}, torch::kBFloat16);
  EXPECT_EQ(out.residual.scalar_type(), torch::kFloat32);
  EXPECT_EQ(out.branch.scalar_type(), torch::kBFloat16);
}

}  // namespace
}  // namespace ocellus::models::nn
