#include "models/objectives/relicv2.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "models/objectives/relicv2_negatives.h"
#include "models/optim/optimizer.h"
#include "models/weights/weights.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

nlohmann::json Document() {
  return nlohmann::json::parse(R"({
    "objective": {"relicv2": {
      "temperature": 0.2, "alpha": 1.0, "beta": 1.0, "momentum": 0.9,
      "momentum_schedule": "constant", "large_views": 2, "small_views": 1, "small_size": 32,
      "include_self_pairs": true, "divergence": "listing", "small_divergence": true,
      "num_negatives": 2, "proj_dim": 8, "mlp_dim": 16,
      "predictor": true}},
    "model": {"resnet": {"block": "basic", "layers": [1, 1, 1, 1], "width": 4,
                         "image_size": 48}},
    "precision": "fp32"})");
}

std::unique_ptr<Objective> Initialised(const nlohmann::json& document) {
  auto objective = MakeObjective(document, torch::kCPU);
  objective->initialise(at::make_generator<at::CPUGeneratorImpl>(3));
  return objective;
}

Tensors Inputs(int64_t batch) {
  torch::manual_seed(4);
  return {{"large_0", torch::randn({batch, 3, 48, 48})},
          {"large_1", torch::randn({batch, 3, 48, 48})},
          {"small_0", torch::randn({batch, 3, 32, 32})}};
}

TEST(Relicv2, WishesForViewsOfThreeKinds) {
  const InputWishes wishes = MakeObjective(Document(), torch::kCPU)->inputs();
  ASSERT_EQ(wishes.views.size(), 3u);
  EXPECT_EQ(wishes.views[0].name + wishes.views[0].kind, "large_0");
  EXPECT_EQ(wishes.views[1].name + wishes.views[1].kind, "large_1second");
  EXPECT_EQ(wishes.views[2].name + wishes.views[2].kind, "small_0small");
  EXPECT_EQ(wishes.views[1].size, 48);
  EXPECT_EQ(wishes.views[2].size, 32);
  ASSERT_EQ(wishes.replay.size(), 1u);
  EXPECT_EQ(wishes.replay[0].name, "negatives");
  EXPECT_EQ(wishes.replay[0].count, 2);
}

TEST(Relicv2, TheTargetIsFrozenAndStartsEqual) {
  const auto objective = Initialised(Document());
  Tensors state = weights::State(*objective);
  int64_t targets = 0;
  for (const auto& item : objective->module().named_parameters()) {
    const bool target = item.key().starts_with("target.");
    EXPECT_EQ(item.value().requires_grad(), !target) << item.key();
    if (!target) continue;
    ++targets;
    EXPECT_TRUE(torch::equal(item.value(), state.at("online." + item.key().substr(7))));
  }
  EXPECT_GT(targets, 10);
}

TEST(Relicv2, TheTargetFollowsAfterTheStep) {
  const auto objective = Initialised(Document());
  Tensors state = weights::State(*objective);
  const std::string name = "projector.3.weight";
  const torch::Tensor before = state.at("target." + name).clone();
  state.at("online." + name).add_(1.0);
  SingleRank alone;
  objective->after_step({.step = 0, .total_steps = 10, .collectives = &alone});
  EXPECT_TRUE(torch::allclose(state.at("target." + name), before + 0.1, 1e-5, 1e-6));
}

TEST(Relicv2, AHandedOverTargetMovesWithTheOptimizer) {
  const auto plain = Initialised(Document()), handing = Initialised(Document());
  const nlohmann::json lars = {{"lars",
                                {{"lr", 0.3},
                                 {"form", "byol"},
                                 {"momentum", 0.9},
                                 {"weight_decay", 1e-6},
                                 {"trust_coefficient", 0.001}}}};
  const auto one = optim::MakeOptimizer(lars, plain->module());
  const auto other = optim::MakeOptimizer(lars, handing->module());
  const Tensors averages = handing->hand_over_averages();
  EXPECT_GT(averages.size(), 10u);
  EXPECT_TRUE(averages.contains("online.projector.3.weight"));
  EXPECT_FALSE(averages.contains("online.predictor.3.weight"));
  other->Follow(averages);
  EXPECT_TRUE(handing->hand_over_averages().empty());

  SingleRank alone;
  for (int64_t step = 0; step < 3; ++step) {
    const StepContext context{.step = step, .total_steps = 9, .collectives = &alone};
    for (const auto& objective : {plain.get(), handing.get()}) {
      objective->module().zero_grad();
      objective->forward(Inputs(6), context).loss.backward();
    }
    one->Step(0.3);
    plain->after_step(context);
    other->Step(0.3, {.average_momentum = handing->average_momentum(context)});
    handing->after_step(context);
  }
  const Tensors want = weights::State(*plain), got = weights::State(*handing);
  for (const auto& [name, tensor] : want) {
    EXPECT_TRUE(torch::allclose(got.at(name), tensor, 1e-5, 1e-6)) << name;
  }
}

TEST(Relicv2, ForwardChangesNeitherOfTheSamplesNorTheDraws) {
  // The same step gives the same loss; another step has other negatives.
  const auto objective = Initialised(Document());
  const Tensors inputs = Inputs(6);
  SingleRank alone;
  const auto loss = [&](int64_t step, uint64_t seed) {
    const StepContext context{.step = step, .total_steps = 9, .collectives = &alone, .seed = seed};
    return objective->forward(inputs, context).loss.item<double>();
  };
  const double first = loss(1, 7);
  EXPECT_EQ(loss(1, 7), first);
  EXPECT_NE(loss(2, 7), first);
  EXPECT_NE(loss(1, 8), first);
}

TEST(Relicv2, ReportsTheDivergenceWithoutTrainingOnIt) {
  nlohmann::json document = Document();
  document["objective"]["relicv2"]["beta"] = 0.0;
  const auto objective = Initialised(document);
  SingleRank alone;
  const StepOutput output = objective->forward(Inputs(6), {.collectives = &alone});
  EXPECT_NEAR(output.loss.item<double>(), -output.outputs.at("log_likelihood").item<double>(),
              1e-7);
  EXPECT_NE(output.outputs.at("kl").item<double>(), 0);
}

TEST(Relicv2, ChanceIsTheLogarithmOfTheCandidates) {
  const auto objective = MakeObjective(Document(), torch::kCPU);
  EXPECT_NEAR(*objective->chance_loss(64), std::log(3.0), 1e-12);
  EXPECT_NEAR(*objective->chance_loss(2), std::log(2.0), 1e-12);
}

TEST(Relicv2, FeaturesAreTheOnlineEncodersAndMoveNothing) {
  const auto objective = Initialised(Document());
  const torch::Tensor images = Inputs(3).at("large_0");
  const Tensors state = weights::State(*objective);
  const torch::Tensor mean = state.at("online.encoder.bn1.running_mean").clone();
  const torch::Tensor features = objective->features(images);
  EXPECT_EQ(features.sizes(), (std::vector<int64_t>{3, 32}));
  EXPECT_FALSE(features.requires_grad());
  EXPECT_TRUE(
      torch::equal(features[0], objective->features(images.narrow(0, 0, 1))[0]) ||
      torch::allclose(features[0], objective->features(images.narrow(0, 0, 1))[0], 1e-5, 1e-6));
  EXPECT_TRUE(torch::equal(mean, state.at("online.encoder.bn1.running_mean")));
  EXPECT_TRUE(objective->encoder_weights().contains("layer4.0.conv2.weight"));
  EXPECT_TRUE(objective->encoder_weights().contains("bn1.running_mean"));
  EXPECT_EQ(objective->encoder_metadata().at("model"), "resnet");
}

TEST(Relicv2, AnEncoderOfOneSizeTakesNoSmallViews) {
  nlohmann::json document = Document();
  document["model"] = {{"vit",
                        {{"image_size", 48},
                         {"patch_size", 8},
                         {"dim", 16},
                         {"depth", 1},
                         {"heads", 2},
                         {"mlp_ratio", 2}}}};
  EXPECT_THROW(MakeObjective(document, torch::kCPU), wire::Fault);
  document["objective"]["relicv2"]["small_views"] = 0;
  EXPECT_NO_THROW(MakeObjective(document, torch::kCPU));
}

TEST(Relicv2Negatives, AreOthersWithoutRepetition) {
  for (const int64_t count : {1, 3, 7, 8}) {
    const torch::Tensor rows = DrawNegatives({.seed = 5, .step = 2}, 0, 9, 9, count);
    ASSERT_EQ(rows.sizes(), (std::vector<int64_t>{9, count + 1}));
    for (int64_t n = 0; n < 9; ++n) {
      EXPECT_EQ(rows[n][0].item<int64_t>(), n);
      const int64_t* begin = rows.data_ptr<int64_t>() + n * (count + 1);
      const std::set<int64_t> distinct(begin, begin + count + 1);
      EXPECT_EQ(distinct.size(), static_cast<size_t>(count + 1));
      EXPECT_GE(*distinct.begin(), 0);
      EXPECT_LE(*distinct.rbegin(), 8);
    }
  }
}

TEST(Relicv2Negatives, DoNotDependOnTheNumberOfRanks) {
  const NegativesDraw draw{.seed = 11, .step = 4, .micro = 1, .pair = 6};
  const torch::Tensor whole = DrawNegatives(draw, 0, 12, 12, 5);
  for (const int64_t first : {0, 4, 8}) {
    EXPECT_TRUE(torch::equal(DrawNegatives(draw, first, 4, 12, 5), whole.narrow(0, first, 4)));
  }
}

TEST(Relicv2Negatives, AreUniform) {
  // Image 2 of 7 draws 2 of the 6 others: each a third of the time. 6 sigma of 6000 draws is 219.
  std::array<int64_t, 7> hits{};
  for (int64_t step = 0; step < 6000; ++step) {
    const torch::Tensor row = DrawNegatives({.seed = 1, .step = step}, 2, 1, 7, 2);
    for (int64_t i = 1; i < 3; ++i) ++hits[row[0][i].item<int64_t>()];
  }
  for (int64_t i = 0; i < 7; ++i) EXPECT_NEAR(hits[i], i == 2 ? 0 : 2000, 219) << i;
}

TEST(Relicv2Negatives, DifferByStepMicroPairAndSeed) {
  const auto draw = [](uint64_t seed, int64_t step, int64_t micro, int64_t pair) {
    return DrawNegatives({seed, step, micro, pair}, 0, 8, 64, 8);
  };
  const torch::Tensor base = draw(1, 1, 1, 1);
  EXPECT_TRUE(torch::equal(base, draw(1, 1, 1, 1)));
  for (const auto& other : {draw(2, 1, 1, 1), draw(1, 2, 1, 1), draw(1, 1, 2, 1), draw(1, 1, 1, 2)})
    EXPECT_FALSE(torch::equal(base, other));
}

TEST(Relicv2Negatives, GivenOnesAreChecked) {
  const auto given = [](int64_t a, int64_t b) { return torch::tensor({{a, b}}); };
  EXPECT_TRUE(torch::equal(GivenNegatives(given(0, 3), 1, 4), torch::tensor({{1, 0, 3}})));
  EXPECT_THROW(GivenNegatives(given(0, 4), 1, 4), wire::Fault);
  EXPECT_THROW(GivenNegatives(given(-1, 3), 1, 4), wire::Fault);
  EXPECT_THROW(GivenNegatives(given(0, 1), 1, 4), wire::Fault);
  EXPECT_THROW(GivenNegatives(given(3, 3), 1, 4), wire::Fault);
}

}  // namespace
}  // namespace ocellus::models::objectives
