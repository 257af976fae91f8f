// Small jobs of each method, for tests that take whole steps.
#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <vector>

#include "models/weights/weights.h"
#include "tests/models/objectives/documents.h"
#include "worker/trainer/step.h"

namespace ocellus::trainer {

using models::objectives::ClipObjective;
using models::objectives::DocumentOf;
using models::objectives::InputsOf;
using models::objectives::MaeObjective;
using models::objectives::MocoObjective;
using models::objectives::VitModel;
using nlohmann::json;

inline const json kOptimizer = {{"adamw",
                                 {{"lr", 0.01},
                                  {"betas", {0.9, 0.99}},
                                  {"eps", 1e-8},
                                  {"weight_decay", 0.1},
                                  {"decay_all", false}}}};

inline json RelicObjective() {
  return {{"relicv2",
           {{"temperature", 0.2},
            {"alpha", 1.0},
            {"beta", 1.0},
            {"momentum", 0.9},
            {"momentum_schedule", "cosine"},
            {"large_views", 2},
            {"small_views", 1},
            {"small_size", 16},
            {"include_self_pairs", false},
            {"divergence", "listing"},
            {"small_divergence", true},
            {"num_negatives", 2},
            {"proj_dim", 8},
            {"mlp_dim", 16},
            {"predictor", true}}}};
}

inline json ResNetModel() {
  return {
      {"resnet", {{"block", "basic"}, {"layers", {1, 1, 1, 1}}, {"width", 4}, {"image_size", 32}}}};
}

inline std::shared_ptr<dist::Communicator> Alone() {
  return std::make_shared<dist::Communicator>(dist::Membership{}, torch::kCPU);
}

// One rank's objective, optimizer and step. The ranks share the samples of a global batch.
struct Fixture {
  explicit Fixture(const json& document, const json& optimizer_section = kOptimizer,
                   std::shared_ptr<dist::Communicator> gang = Alone())
      : Fixture(models::MakeObjective(document, torch::kCPU), optimizer_section, std::move(gang)) {}
  Fixture(std::unique_ptr<models::Objective> of, const json& optimizer_section,
          std::shared_ptr<dist::Communicator> gang)
      : objective(std::move(of)), ranks(std::move(gang)) {
    objective->initialise(at::make_generator<at::CPUGeneratorImpl>(3));
    optimizer = models::optim::MakeOptimizer(optimizer_section, objective->module(), ranks.get());
    step = std::make_unique<Step>(
        *objective, *optimizer,
        models::optim::Schedule{models::optim::Schedule::Kind::kCosine, 0.01, 0, 0, 10, 0}, *ranks,
        /*accumulate=*/2, /*clip_norm=*/0.5);
    global_inputs = InputsOf(*objective, kRows * ranks->world());
  }
  models::StepContext At(int64_t i) {
    return {.step = i, .total_steps = 9, .collectives = ranks.get(), .seed = 5};
  }
  // Each step's are its own; at step `broken` a pixel of the last rank's is infinite.
  NextInputs Inputs(int64_t i, int64_t broken = 2) {
    return [this, i, broken] {
      models::Tensors given;
      for (const auto& [name, whole] : global_inputs) {
        torch::Tensor tensor = whole.roll(i, 0);
        if (tensor.dim() == 4) tensor = tensor * (1 + 0.1 * static_cast<double>(i));
        if (tensor.dim() == 4 && i == broken) {
          tensor[-1][0][0][0] = std::numeric_limits<float>::infinity();
        }
        given[name] = tensor.narrow(0, ranks->rank() * kRows, kRows);
      }
      return given;
    };
  }
  Step::Advanced Advance(int64_t i, const Votes& wishes = {}, int64_t broken = 2) {
    return step->Advance(At(i), Inputs(i, broken), wishes);
  }
  models::Tensors State() {
    models::Tensors state;
    for (const auto& [name, tensor] : models::weights::State(*objective)) {
      state[name] = tensor.clone();
    }
    optimizer->Gather();
    state.merge(optimizer->State());
    return state;
  }

  static constexpr int64_t kRows = 4;  // of a rank's micro-batch

  std::unique_ptr<models::Objective> objective;
  std::shared_ptr<dist::Communicator> ranks;
  std::unique_ptr<models::optim::Optimizer> optimizer;
  std::unique_ptr<Step> step;
  models::Tensors global_inputs;
};

inline std::vector<json> Documents() {
  const json vit = VitModel(16, 8, 32, 2, 4);
  json moco = MocoObjective();
  moco["mocov3"]["momentum_schedule"] = "cosine";
  json siglip = ClipObjective(16, 24, 2, 2, 60, 8);
  siglip["clip"]["loss"] = "siglip";
  return {DocumentOf(MaeObjective(16, 2, 2), vit, "fp32"),
          DocumentOf(moco, vit, "fp32"),
          DocumentOf(ClipObjective(16, 24, 2, 2, 60, 8), vit, "fp32"),
          DocumentOf(RelicObjective(), ResNetModel(), "fp32"),
          DocumentOf({{"rotnet", json::object()}}, ResNetModel(), "fp32"),
          DocumentOf(siglip, vit, "fp32")};
}

inline void ExpectSameState(Fixture& got, Fixture& want) {
  const models::Tensors one = want.State(), other = got.State();
  ASSERT_EQ(one.size(), other.size());
  for (const auto& [name, tensor] : one) EXPECT_TRUE(torch::equal(other.at(name), tensor)) << name;
}

}  // namespace ocellus::trainer
