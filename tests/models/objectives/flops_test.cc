// Counted operations are the published ones.
#include "models/ops/flops.h"

#include <gtest/gtest.h>

#include "tests/models/objectives/documents.h"

namespace ocellus::models::objectives {
namespace {

using nlohmann::json;

// Of one sample's forward and backward pass, in GFLOP.
double Gigaflops(const json& objective, const json& model) {
  const auto made = MakeObjective(DocumentOf(objective, model, "fp32"), torch::kCPU);
  SingleRank alone;
  const double before = ops::CountedFlops();
  made->forward(InputsOf(*made, 2), {.collectives = &alone});
  return (ops::CountedFlops() - before) / 2e9;
}

TEST(Flops, AreThePublishedOnes) {
  // open_clip's model_profile.csv: 14.78 GFLOP forward.
  EXPECT_NEAR(Gigaflops(ClipObjective(512, 512, 8, 12, 49408, 77), VitModel(224, 32, 768, 12, 12)),
              3 * 14.78, 0.01 * 3 * 14.78);
  // MAE ViT-B/16 by hand: 12 n d^2 + 2 n^2 d multiplications a block, 50 and 197 tokens.
  const auto block = [](double n, double d) { return 12 * n * d * d + 2 * n * n * d; };
  const double rest = 49. * 768 * 768 + 50. * 768 * 512 + 197. * 512 * 768;
  EXPECT_NEAR(Gigaflops(MaeObjective(512, 8, 16), VitModel(224, 16, 768, 12, 12)),
              6e-9 * (12 * block(50, 768) + 8 * block(197, 512) + rest), 0.01);
}

TEST(Flops, OfAResnetAreThePublishedOnes) {
  const json resnet = {
      {"resnet", {{"block", "bottleneck"}, {"layers", {3, 4, 6, 3}}, {"width", 64}}}};
  const auto made = MakeObjective(DocumentOf(MocoObjective(), resnet, "fp32"), torch::kCPU);
  const double before = ops::CountedFlops();
  made->features(torch::zeros({1, 3, 224, 224}));
  EXPECT_NEAR((ops::CountedFlops() - before) / 2e9, 4.09, 0.02);  // multiplications
}

}  // namespace
}  // namespace ocellus::models::objectives
