#include "models/ops/key_contrast.h"

#include <gtest/gtest.h>

#include "tests/models/ops/agreement.h"
#include "tests/models/ops/thread_ranks.h"

namespace ocellus::models::ops {
namespace {

// float32(sin(0.7 k + phase)) over a 4 x 8 matrix.
torch::Tensor Wave(double phase) {
  return (torch::arange(32, torch::kFloat64) * 0.7 + phase).sin().to(torch::kFloat32).view({4, 8});
}

double BothDirections(double temperature) {
  SingleRank alone;
  const auto contrast = [&](double query, double key) {
    return KeyContrast(Wave(query), Wave(key), temperature, alone).item<double>();
  };
  return 2 * temperature * (contrast(0, 1.7) + contrast(0.3, 0.9));
}

TEST(KeyContrastTest, HasTheValuesOfTheOfficialCode) {
  EXPECT_NEAR(BothDirections(0.2), 1.81430995, 2e-6);
  EXPECT_NEAR(BothDirections(1.0), 5.28882313, 5e-6);
}

TEST(KeyContrastTest, RanksShareTheirKeys) {
  const torch::Tensor queries = Normal({6, 5}, 1), keys = Normal({6, 5}, 2);
  const auto over = [&](int world) {
    std::vector<torch::Tensor> losses(static_cast<size_t>(world)), gradients(losses);
    RunRanks(world, [&](Collectives& ranks) {
      const auto mine = [&](const torch::Tensor& all) {
        return all.chunk(world)[ranks.rank()].detach();
      };
      const torch::Tensor own = mine(queries).requires_grad_();
      const torch::Tensor loss = KeyContrast(own, mine(keys), 0.3, ranks);
      (loss / world).backward();
      losses[static_cast<size_t>(ranks.rank())] = loss.detach();
      gradients[static_cast<size_t>(ranks.rank())] = own.grad();
    });
    return std::pair(torch::stack(losses).mean(), torch::cat(gradients));
  };
  const auto [loss, gradient] = over(1);
  for (const int world : {2, 3}) {
    const auto [other_loss, other_gradient] = over(world);
    EXPECT_NEAR(other_loss.item<double>(), loss.item<double>(), 1e-6);
    EXPECT_TRUE(torch::allclose(other_gradient, gradient, 1e-5, 1e-7));
  }
}

TEST(KeyContrastTest, KeysGetNoGradientAndLengthsDoNotCount) {
  SingleRank alone;
  const torch::Tensor queries = Normal({4, 5}, 1).requires_grad_();
  const torch::Tensor keys = Normal({4, 5}, 2).requires_grad_();
  const torch::Tensor loss = KeyContrast(queries, keys, 0.2, alone);
  loss.backward();
  EXPECT_FALSE(keys.grad().defined());
  EXPECT_NEAR(KeyContrast(queries * 7.0, keys * 0.1, 0.2, alone).item<double>(),
              loss.item<double>(), 1e-6);
  EXPECT_TRUE(KeyContrast(queries * 0.0, keys, 0.2, alone).isfinite().item<bool>());
}

TEST(KeyContrastTest, ComputesInFp32) {
  SingleRank alone;
  const torch::Tensor loss = KeyContrast(Normal({4, 5}, 1).to(torch::kBFloat16),
                                         Normal({4, 5}, 2).to(torch::kBFloat16), 0.2, alone);
  EXPECT_EQ(loss.scalar_type(), torch::kFloat32);
}

}  // namespace
}  // namespace ocellus::models::ops
