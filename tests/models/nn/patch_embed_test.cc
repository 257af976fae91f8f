#include "models/nn/patch_embed.h"

#include <gtest/gtest.h>

namespace ocellus::models::nn {
namespace {

torch::Tensor Waves(at::IntArrayRef shape) {
  return torch::sin(torch::arange(c10::multiply_integers(shape), torch::kFloat64) * 0.7)
      .to(torch::kFloat32)
      .view(shape);
}

TEST(PatchEmbed, PatchifyGoesRowColumnChannel) {
  const torch::Tensor patches = Patchify(Waves({1, 3, 8, 8}), 4);
  ASSERT_EQ(patches.sizes(), (std::vector<int64_t>{1, 4, 48}));
  const torch::Tensor golden =
      torch::tensor({0.f, .72957677f, .99791354f, .64421767f, .99859089f, .72165281f});
  EXPECT_LT((patches[0][0].narrow(0, 0, 6) - golden).abs().max().item<float>(), 1e-7f);
}

TEST(PatchEmbed, UnpatchifyUndoesPatchify) {
  const torch::Tensor images = torch::randn({2, 3, 12, 12});
  EXPECT_TRUE(torch::equal(Unpatchify(Patchify(images, 4), 4, 3), images));
}

TEST(PatchEmbed, IsAConvolution) {
  torch::manual_seed(1);
  PatchEmbed embed(4, 3, 10);
  const torch::NoGradGuard no_grad;
  embed.weight.normal_();
  embed.bias.normal_();
  const torch::Tensor images = torch::randn({2, 3, 12, 12});
  const torch::Tensor expected =
      torch::conv2d(images, embed.weight, embed.bias, 4).flatten(2).transpose(1, 2);
  const torch::Tensor got = embed.forward(PatchPixels(images, 4), torch::kFloat32);
  EXPECT_TRUE(torch::allclose(got, expected, 1e-5, 1e-5));
}

TEST(PatchEmbed, ChosenPatchesAreTheRowsOfAll) {
  const torch::Tensor images = torch::randn({2, 3, 12, 12});
  const torch::Tensor chosen = torch::tensor({{8, 0, 5}, {1, 7, 3}}, torch::kInt64);
  const torch::Tensor all = PatchPixels(images, 4);
  const torch::Tensor got = PatchPixels(images, 4, chosen);
  for (int64_t n = 0; n < 2; ++n) {
    EXPECT_TRUE(torch::equal(got[n], all[n].index_select(0, chosen[n])));
  }
}

}  // namespace
}  // namespace ocellus::models::nn
