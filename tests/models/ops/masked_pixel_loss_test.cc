#include "models/ops/masked_pixel_loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/ops/agreement.h"

namespace ocellus::models::ops {
namespace {

struct LossCase {
  int64_t batch, channels, rows, columns, patch;
  bool normalise;

  torch::Tensor Images() const {
    return Normal({batch, channels, rows * patch, columns * patch}, 1) * 0.7 + 0.2;
  }
  torch::Tensor Pred() const {
    return Normal({batch, rows * columns, patch * patch * channels}, 2);
  }
  torch::Tensor Mask() const {
    torch::Tensor mask = (Normal({batch, rows * columns}, 3) > -0.7).to(torch::kFloat32);
    mask[0][0] = 1;
    return mask;
  }
};

constexpr LossCase kLossCases[] = {{1, 3, 1, 1, 1, true},  {2, 3, 3, 2, 4, true},
                                   {2, 3, 3, 2, 4, false}, {1, 1, 2, 5, 7, true},
                                   {3, 4, 2, 2, 3, false}, {4, 3, 14, 14, 4, true}};

torch::Tensor ComposedLoss(const LossCase& c, const torch::Tensor& pred,
                           const torch::Tensor& images) {
  torch::Tensor target = images.view({c.batch, c.channels, c.rows, c.patch, c.columns, c.patch})
                             .permute({0, 2, 4, 3, 5, 1})
                             .reshape(pred.sizes());
  if (c.normalise) {
    const torch::Tensor variance = target.var(-1, /*unbiased=*/true, /*keepdim=*/true);
    target = (target - target.mean(-1, true)) / (variance + 1e-6).sqrt();
  }
  return ((pred - target).square().mean(-1) * c.Mask()).sum() / c.Mask().sum();
}

Formula Formula64(const LossCase& c) {
  return [c](const Tensors& in) -> Tensors {
    return {ComposedLoss(c, in[0], c.Images().to(torch::kFloat64))};
  };
}

Formula Fused(const LossCase& c) {
  return [c](const Tensors& in) -> Tensors {
    return {MaskedPixelLoss(in[0], c.Images(), c.Mask(), c.patch, c.normalise)};
  };
}

TEST(MaskedPixelLossTest, AgreesInFp32) {
  for (const LossCase& c : kLossCases) {
    SCOPED_TRACE(testing::Message() << c.patch << " pixels, normalise " << c.normalise);
    ExpectAgreement(Fused(c), Formula64(c), {c.Pred()}, 4 * kFp32);
  }
}

TEST(MaskedPixelLossTest, AgreesInBf16) {
  for (const LossCase& c : kLossCases) {
    ExpectAgreement(Fused(c), Formula64(c), {c.Pred().to(torch::kBFloat16)}, kBf16);
  }
}

TEST(MaskedPixelLossTest, TakesStrides) {
  const LossCase c = kLossCases[1];
  const torch::Tensor images = c.Images();
  const torch::Tensor strided = images.transpose(2, 3).contiguous().transpose(2, 3);
  const torch::Tensor pred = c.Pred().transpose(1, 2).contiguous().transpose(1, 2);
  ASSERT_FALSE(strided.is_contiguous() || pred.is_contiguous());
  EXPECT_TRUE(torch::equal(MaskedPixelLoss(pred, strided, c.Mask(), c.patch, true),
                           MaskedPixelLoss(c.Pred(), images, c.Mask(), c.patch, true)));
}

TEST(MaskedPixelLossTest, FlatPatchesStayFinite) {
  const LossCase c = kLossCases[1];
  const torch::Tensor loss =
      MaskedPixelLoss(c.Pred(), torch::full_like(c.Images(), 0.5), c.Mask(), c.patch, true);
  EXPECT_TRUE(std::isfinite(loss.item<double>()));
}

TEST(MaskedPixelLossTest, RefusesShapesThatDoNotFit) {
  const LossCase c = kLossCases[1];
  EXPECT_THROW(MaskedPixelLoss(c.Pred(), c.Images(), c.Mask(), 5, true), c10::Error);
  EXPECT_THROW(MaskedPixelLoss(c.Pred().narrow(1, 0, 2), c.Images(), c.Mask(), c.patch, true),
               c10::Error);
}

TEST(MaskedPixelLossTest, GivesTheSameBitsForAnyThreads) {
  ExpectSameBitsForAnyThreads(Fused(kLossCases[5]), {kLossCases[5].Pred()});
}

}  // namespace
}  // namespace ocellus::models::ops
