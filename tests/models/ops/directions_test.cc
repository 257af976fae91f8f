// Rows as directions, and the pixels of patches, against ATen's compositions.
#include <gtest/gtest.h>

#include "models/ops/launch.h"
#include "models/ops/normalise_rows.h"
#include "models/ops/patch_pixels.h"
#include "tests/models/ops/agreement.h"

namespace ocellus::models::ops {
namespace {

Tensors Fused(const Tensors& in) { return {NormaliseRows(in[0])}; }

Tensors Composed(const Tensors& in) {
  return {in[0] / in[0].norm(2, {-1}, /*keepdim=*/true).clamp_min(1e-12)};
}

TEST(NormaliseRowsTest, AgreesInFp32) {
  ExpectAgreement(Fused, Composed, {Normal({1, 1}, 1)}, kFp32);
  ExpectAgreement(Fused, Composed, {Normal({33, 257}, 2)}, kFp32);
  ExpectAgreement(Fused, Composed, {Normal({2, 3, 16}, 3)}, kFp32);
  ExpectAgreement(Fused, Composed, {Normal({16, 20}, 4).t()}, kFp32);
}

TEST(NormaliseRowsTest, AgreesInBf16) {
  const torch::Tensor x = Normal({8, 64}, 5).to(torch::kBFloat16);
  ExpectAgreement(Fused, Composed, {x}, kBf16);
  EXPECT_EQ(NormaliseRows(x).scalar_type(), torch::kFloat32);
}

TEST(NormaliseRowsTest, TakesRowsWithoutLengthAndNoRows) {
  const torch::Tensor zero = torch::zeros({2, 4}).requires_grad_();
  NormaliseRows(zero, 0.5).sum().backward();
  EXPECT_TRUE(torch::equal(zero.grad(), torch::full({2, 4}, 2.0f)));
  EXPECT_EQ(NormaliseRows(torch::zeros({0, 4})).numel(), 0);
}

TEST(NormaliseRowsTest, SameBitsForAnyThreads) {
  ExpectSameBitsForAnyThreads(Fused, {Normal({300, 64}, 6)});
}

TEST(PatchPixelsTest, IsAtensComposition) {
  const torch::Tensor images = Normal({2, 3, 16, 24}, 7);
  const torch::Tensor chosen = torch::tensor({5, 0, 3, 2, 2, 1}).view({2, 3});
  for (const torch::Tensor& places : {chosen, torch::Tensor()}) {
    const torch::Tensor fused = PatchPixels(images, 8, places);
    SetUseKernels(false);
    EXPECT_TRUE(torch::equal(fused, PatchPixels(images, 8, places)));
    SetUseKernels(true);
    const torch::Tensor strided = images.transpose(0, 1).contiguous().transpose(0, 1);
    EXPECT_TRUE(torch::equal(fused, PatchPixels(strided, 8, places)));
  }
  EXPECT_EQ(PatchPixels(images, 8, torch::empty({2, 0}, torch::kInt64)).numel(), 0);
}

TEST(PatchPixelsTest, KeepsTheGraphOfImagesThatWantGradient) {
  const torch::Tensor images = Normal({1, 1, 4, 4}, 8).requires_grad_();
  PatchPixels(images, 2, torch::tensor({3}).view({1, 1})).sum().backward();
  EXPECT_EQ(images.grad().sum().item<float>(), 4.0f);
  EXPECT_EQ(images.grad()[0][0][3][3].item<float>(), 1.0f);
}

}  // namespace
}  // namespace ocellus::models::ops
