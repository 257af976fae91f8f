#include "models/nn/token_shuffle.h"

#include <gtest/gtest.h>

namespace ocellus::models::nn {
namespace {

TEST(TokenShuffle, KeepsTheSmallestNoiseInItsOrder) {
  const torch::Tensor noise = torch::tensor({{.5f, .1f, .9f, .3f}, {.2f, .8f, .4f, .6f}});
  const Masking masking = MaskByNoise(noise, 2);
  EXPECT_TRUE(torch::equal(masking.kept, torch::tensor({{1, 3}, {0, 2}}, torch::kInt64)));
  EXPECT_TRUE(
      torch::equal(masking.mask, torch::tensor({{1.f, 0.f, 1.f, 0.f}, {0.f, 1.f, 0.f, 1.f}})));
}

TEST(TokenShuffle, CutsOffTheNumberKept) {
  EXPECT_EQ(PatchesKept(196, 0.75), 49);
  EXPECT_EQ(PatchesKept(196, 0.9), 19);  // 19.599...
  EXPECT_EQ(PatchesKept(16, 0.75), 4);
  EXPECT_EQ(PatchesKept(100, 0.9), 9);   // 100 * (1 - 0.9) is 9.999... in double precision
  EXPECT_EQ(PatchesKept(100, 0.8), 19);  // 19.999...
  EXPECT_EQ(PatchesKept(64, 0.6), 25);   // 25.6
}

// The official composition: append mask tokens, gather by the inverse permutation, add positions.
torch::Tensor OfficialDecoderTokens(const torch::Tensor& latent, const torch::Tensor& mask_token,
                                    const torch::Tensor& positions, const torch::Tensor& noise) {
  const torch::Tensor restore = noise.argsort(false, 1).argsort(false, 1);
  const int64_t batch = latent.size(0), width = latent.size(2);
  const int64_t hidden = noise.size(1) + 1 - latent.size(1);
  torch::Tensor tokens = torch::cat(
      {latent.narrow(1, 1, latent.size(1) - 1), mask_token.expand({batch, hidden, width})}, 1);
  tokens = tokens.gather(1, restore.unsqueeze(-1).expand({-1, -1, width}));
  return torch::cat({latent.narrow(1, 0, 1), tokens}, 1) + positions;
}

TEST(TokenShuffle, DecoderTokensAreTheOfficialOnes) {
  torch::manual_seed(3);
  const torch::Tensor noise = torch::rand({3, 9});
  const Masking masking = MaskByNoise(noise, 4);
  const torch::Tensor positions = torch::randn({1, 10, 6});
  torch::Tensor latent = torch::randn({3, 5, 6}).requires_grad_();
  torch::Tensor mask_token = torch::randn({1, 1, 6}).requires_grad_();
  const torch::Tensor weight = torch::randn({3, 10, 6});

  const torch::Tensor expected = OfficialDecoderTokens(latent, mask_token, positions, noise);
  const auto expected_gradients =
      torch::autograd::grad({(expected * weight).sum()}, {latent, mask_token});
  const torch::Tensor got = DecoderTokens(latent, mask_token, positions, masking);
  const auto gradients = torch::autograd::grad({(got * weight).sum()}, {latent, mask_token});

  EXPECT_TRUE(torch::allclose(got, expected, 1e-6, 1e-6));
  EXPECT_TRUE(torch::allclose(gradients[0], expected_gradients[0], 1e-6, 1e-6));
  EXPECT_TRUE(torch::allclose(gradients[1], expected_gradients[1], 1e-5, 1e-5));
}

TEST(TokenShuffle, DecoderTokensTakeHalfPrecision) {
  const torch::Tensor noise = torch::rand({2, 4});
  torch::Tensor latent = torch::randn({2, 3, 8}).to(torch::kBFloat16).requires_grad_();
  torch::Tensor mask_token = torch::randn({1, 1, 8}).requires_grad_();
  const torch::Tensor got =
      DecoderTokens(latent, mask_token, torch::zeros({1, 5, 8}), MaskByNoise(noise, 2));
  EXPECT_EQ(got.scalar_type(), torch::kFloat32);
  got.sum().backward();
  EXPECT_EQ(latent.grad().scalar_type(), torch::kBFloat16);
  EXPECT_EQ(mask_token.grad()[0][0][0].item<float>(), 4.0f);
}

TEST(TokenShuffle, EncoderTokensHaveTheirOwnPositions) {
  const torch::Tensor positions = torch::arange(5, torch::kFloat32).view({1, 5, 1});
  const torch::Tensor kept = torch::tensor({{3, 0}}, torch::kInt64);
  const torch::Tensor got =
      EncoderTokens(torch::full({1, 1, 1}, 100.f), torch::full({1, 2, 1}, 10.f), positions, kept);
  EXPECT_TRUE(torch::equal(got.flatten(), torch::tensor({100.f, 14.f, 11.f})));
}

}  // namespace
}  // namespace ocellus::models::nn
