#include "models/ops/contrastive_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <mutex>

#include "models/ops/gather.h"
#include "tests/models/ops/thread_ranks.h"

namespace ocellus::models::ops {
namespace {

torch::Tensor UnitRows(const torch::Tensor& rows) {
  return rows / rows.norm(2, 1, /*keepdim=*/true);
}

// sin(0.7 k + phase), row by row.
torch::Tensor Wave(int64_t rows, int64_t columns, double phase) {
  const torch::Tensor k = torch::arange(rows * columns, torch::kFloat64);
  return UnitRows((k * 0.7 + phase).sin().to(torch::kFloat32).view({rows, columns}));
}

torch::Tensor Scalar(double value) { return torch::tensor(value, torch::kFloat32); }

TEST(ContrastiveLoss, InfoNceIsOpenClips) {
  SingleRank alone;
  const torch::Tensor loss = InfoNceLoss(Wave(4, 8, 0.0), Wave(4, 8, 0.3), Scalar(1 / 0.07), alone);
  EXPECT_NEAR(loss.item<double>(), 0.37084949, 1e-6);
}

TEST(ContrastiveLoss, SigLipIsOpenClips) {
  SingleRank alone;
  const torch::Tensor loss =
      SigLipLoss(Wave(4, 8, 0.0), Wave(4, 8, 0.3), Scalar(10), Scalar(-10), alone);
  EXPECT_NEAR(loss.item<double>(), 1.23783708, 1e-6);
}

// More columns than are taken at a time (pair_contrast.cc), against all logits at once.
TEST(ContrastiveLoss, GradientsOfManyPairsAreThoseOfAllLogits) {
  torch::manual_seed(6);
  const int64_t pairs = 4160;
  const torch::Tensor x = UnitRows(torch::randn({pairs, 8})).requires_grad_();
  const torch::Tensor y = UnitRows(torch::randn({pairs, 8})).requires_grad_();
  SingleRank alone;
  InfoNceLoss(x, y, Scalar(7), alone).backward();

  const torch::NoGradGuard no_grad;
  const torch::Tensor logits = 7 * x.mm(y.t());
  torch::Tensor d = logits.softmax(0).add_(logits.softmax(1)).mul_(7.0 / (2 * pairs));
  d.diagonal().sub_(7.0 / pairs);
  const auto expect_near = [](const torch::Tensor& got, const torch::Tensor& want) {
    EXPECT_LT((got - want).abs().max().item<double>(), 1e-5 * want.abs().max().item<double>());
  };
  expect_near(x.grad(), d.mm(y));
  expect_near(y.grad(), d.t().mm(x));
}

// Loss and gradients of images, texts, scale and bias.
using Numbers = std::vector<torch::Tensor>;

Numbers Evaluate(bool siglip, const torch::Tensor& images, const torch::Tensor& texts,
                 Collectives& ranks) {
  const torch::Tensor x = images.clone().requires_grad_(), y = texts.clone().requires_grad_();
  const torch::Tensor scale = Scalar(7).requires_grad_(), bias = Scalar(-2).requires_grad_();
  const torch::Tensor loss = siglip ? SigLipLoss(UnitRows(x), UnitRows(y), scale, bias, ranks)
                                    : InfoNceLoss(UnitRows(x), UnitRows(y), scale, ranks);
  loss.backward();
  const torch::Tensor d_bias = siglip ? bias.grad() : torch::zeros({});
  return {loss.detach(), x.grad(), y.grad(), scale.grad(), d_bias};
}

// The same from the definition, in fp64, with autograd's own gradients.
Numbers Define(bool siglip, const torch::Tensor& images, const torch::Tensor& texts) {
  const torch::Tensor x = images.to(torch::kFloat64).requires_grad_();
  const torch::Tensor y = texts.to(torch::kFloat64).requires_grad_();
  const torch::Tensor scale = torch::tensor(7.0, torch::kFloat64).requires_grad_();
  const torch::Tensor bias = torch::tensor(-2.0, torch::kFloat64).requires_grad_();
  const int64_t n = x.size(0);
  const torch::Tensor logits = scale * UnitRows(x).matmul(UnitRows(y).t());
  const torch::Tensor labels = torch::arange(n);
  const torch::Tensor signs = 2 * torch::eye(n, torch::kFloat64) - 1;
  const torch::Tensor loss =
      siglip
          ? -torch::log_sigmoid(signs * (logits + bias)).sum() / n
          : (at::cross_entropy_loss(logits, labels) + at::cross_entropy_loss(logits.t(), labels)) /
                2;
  loss.backward();
  const torch::Tensor d_bias = siglip ? bias.grad() : torch::zeros({}, torch::kFloat64);
  return {loss.detach(), x.grad(), y.grad(), scale.grad(), d_bias};
}

class ContrastiveRanks : public testing::TestWithParam<std::tuple<bool, int>> {};

TEST_P(ContrastiveRanks, MeanLossAndGradientsAreThoseOfOneBigBatch) {
  const auto [siglip, world] = GetParam();
  torch::manual_seed(5);
  const int64_t part = 4, pairs = part * world;
  const torch::Tensor images = torch::randn({pairs, 16}), texts = torch::randn({pairs, 16});
  const Numbers want = Define(siglip, images, texts);

  std::vector<Numbers> by_rank(world);
  RunRanks(world, [&, siglip = siglip](Collectives& ranks) {
    const int64_t first = ranks.rank() * part;
    by_rank[ranks.rank()] =
        Evaluate(siglip, images.narrow(0, first, part), texts.narrow(0, first, part), ranks);
  });

  for (size_t i = 0; i < want.size(); ++i) {
    std::vector<torch::Tensor> parts;
    for (const Numbers& numbers : by_rank) parts.push_back(numbers[i]);
    // Rows belong to one rank each; what all ranks share is averaged as gradients are.
    const torch::Tensor got =
        want[i].dim() == 2 ? torch::cat(parts) / world : torch::stack(parts).mean(0);
    EXPECT_LE((got - want[i]).abs().max().item<double>(),
              1e-7 + 2e-6 * want[i].abs().max().item<double>())
        << "number " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Losses, ContrastiveRanks,
                         testing::Combine(testing::Bool(), testing::Values(1, 2, 3)));

TEST(ContrastiveLoss, ManyRowsGoInBlocks) {
  torch::manual_seed(6);
  const torch::Tensor images = torch::randn({1500, 4}), texts = torch::randn({1500, 4});
  SingleRank alone;
  for (const bool siglip : {false, true}) {
    const Numbers got = Evaluate(siglip, images, texts, alone),
                  want = Define(siglip, images, texts);
    for (size_t i = 0; i < want.size(); ++i) {
      EXPECT_LE((got[i] - want[i]).abs().max().item<double>(),
                1e-7 + 2e-5 * want[i].abs().max().item<double>())
          << "siglip " << siglip << ", number " << i;
    }
  }
}

TEST(AllGather, BackwardAddsWhatEveryRankSays) {
  std::vector<torch::Tensor> gradients(3);
  RunRanks(3, [&](Collectives& ranks) {
    const torch::Tensor own = torch::full({2, 1}, 1.0 + ranks.rank()).requires_grad_();
    const torch::Tensor all = AllGather(own, ranks);
    EXPECT_TRUE(
        torch::equal(all.detach().flatten(), torch::tensor({1.f, 1.f, 2.f, 2.f, 3.f, 3.f})));
    // Rank r weighs row i by 10^r (i + 1).
    (all.flatten() * torch::arange(1, 7)).sum().mul(std::pow(10.0, ranks.rank())).backward();
    gradients[ranks.rank()] = own.grad();
  });
  EXPECT_TRUE(torch::equal(gradients[0].flatten(), torch::tensor({111.f, 222.f})));
  EXPECT_TRUE(torch::equal(gradients[1].flatten(), torch::tensor({333.f, 444.f})));
  EXPECT_TRUE(torch::equal(gradients[2].flatten(), torch::tensor({555.f, 666.f})));
}

}  // namespace
}  // namespace ocellus::models::ops
