// Counted operations are the published ones.
#include "models/ops/flops.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "models/objective.h"

namespace ocellus::models::objectives {
namespace {

using nlohmann::json;

json Vit(int64_t size, int64_t patch, int64_t dim, int64_t depth, int64_t heads) {
  return {{"vit",
           {{"image_size", size},
            {"patch_size", patch},
            {"dim", dim},
            {"depth", depth},
            {"heads", heads},
            {"mlp_ratio", 4}}}};
}

json Document(const json& objective, const json& model, const std::string& precision) {
  return {{"objective", objective}, {"model", model}, {"precision", precision}};
}

json Mae(int64_t dim, int64_t depth, int64_t heads) {
  return {{"mae",
           {{"mask_ratio", 0.75},
            {"norm_pix_loss", true},
            {"decoder", {{"dim", dim}, {"depth", depth}, {"heads", heads}}}}}};
}

json Clip(int64_t embed, int64_t width, int64_t heads, int64_t layers, int64_t words,
          int64_t length) {
  return {{"clip",
           {{"loss", "infonce"},
            {"chunk", 0},
            {"embed_dim", embed},
            {"logit_scale_max", 100},
            {"logit_bias_init", -10},
            {"quick_gelu", false},
            {"text",
             {{"width", width},
              {"heads", heads},
              {"layers", layers},
              {"vocab_size", words},
              {"context_length", length}}}}}};
}

json Moco() {
  return {{"mocov3",
           {{"temperature", 0.2},
            {"momentum", 0.9},
            {"momentum_schedule", "constant"},
            {"proj_dim", 16},
            {"mlp_dim", 32}}}};
}

Tensors InputsOf(Objective& objective, int64_t batch) {
  torch::manual_seed(7);
  Tensors inputs;
  for (const ViewWish& view : objective.inputs().views) {
    inputs[view.name] = torch::randn({batch, 3, view.size, view.size});
  }
  for (const DrawWish& draw : objective.inputs().draws) {
    inputs[draw.name] = torch::rand({batch, draw.count});
  }
  for (const TextWish& text : objective.inputs().texts) {
    inputs[text.name] = torch::randint(1, text.vocabulary - 2, {batch, text.length}, torch::kInt64);
    inputs[text.name].select(1, text.length - 1).fill_(text.vocabulary - 1);
  }
  return inputs;
}

// Of one sample's forward and backward pass, in GFLOP.
double Gigaflops(const json& objective, const json& model) {
  const auto made = MakeObjective(Document(objective, model, "fp32"), torch::kCPU);
  SingleRank alone;
  const double before = ops::CountedFlops();
  made->forward(InputsOf(*made, 2), {.collectives = &alone});
  return (ops::CountedFlops() - before) / 2e9;
}

TEST(Flops, AreThePublishedOnes) {
  // open_clip's model_profile.csv: 14.78 GFLOP forward.
  EXPECT_NEAR(Gigaflops(Clip(512, 512, 8, 12, 49408, 77), Vit(224, 32, 768, 12, 12)), 3 * 14.78,
              0.01 * 3 * 14.78);
  // MAE ViT-B/16 by hand: 12 n d^2 + 2 n^2 d multiplications a block, 50 and 197 tokens.
  const auto block = [](double n, double d) { return 12 * n * d * d + 2 * n * n * d; };
  const double rest = 49. * 768 * 768 + 50. * 768 * 512 + 197. * 512 * 768;
  EXPECT_NEAR(Gigaflops(Mae(512, 8, 16), Vit(224, 16, 768, 12, 12)),
              6e-9 * (12 * block(50, 768) + 8 * block(197, 512) + rest), 0.01);
}

TEST(Flops, OfAResnetAreThePublishedOnes) {
  const json resnet = {
      {"resnet", {{"block", "bottleneck"}, {"layers", {3, 4, 6, 3}}, {"width", 64}}}};
  const auto made = MakeObjective(Document(Moco(), resnet, "fp32"), torch::kCPU);
  const double before = ops::CountedFlops();
  made->features(torch::zeros({1, 3, 224, 224}));
  EXPECT_NEAR((ops::CountedFlops() - before) / 2e9, 4.09, 0.02);  // multiplications
}

}  // namespace
}  // namespace ocellus::models::objectives
