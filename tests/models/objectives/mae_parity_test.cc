// Three optimizer steps against numbers of the official code (tests/parity/cases/mae/norm_pix).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "models/objective.h"
#include "models/optim/optimizer.h"
#include "models/optim/schedule.h"
#include "models/weights/weights.h"

namespace ocellus::models {
namespace {

const std::string kCase = OCELLUS_SOURCE_DIR "/tests/parity/cases/mae/norm_pix/";

Tensors Load(const std::string& name) {
  return weights::FromFile(checkpoint::SafetensorsFile::Map(kCase + name + ".safetensors"));
}

nlohmann::json Spec() {
  nlohmann::json spec = nlohmann::json::parse(std::ifstream(kCase + "spec.json"));
  spec["optimizer"]["adamw"]["decay_all"] = false;
  spec["schedule"]["min_lr"] = 0.0;
  spec["schedule"]["warmup_offset"] = 0;
  return spec;
}

void ExpectClose(const Tensors& expected, const std::string& name, const torch::Tensor& got) {
  ASSERT_TRUE(expected.contains(name)) << name;
  const torch::Tensor want = expected.at(name);
  ASSERT_EQ(got.sizes(), want.sizes()) << name;
  const double limit = 1e-6 + 1e-4 * want.abs().max().item<double>();
  EXPECT_LE((got - want).abs().max().item<double>(), limit) << name;
}

TEST(MaeParity, ThreeStepsAreTheOfficialOnes) {
  const nlohmann::json spec = Spec();
  const Tensors batch = Load("batch"), expected = Load("expected");
  const auto objective = MakeObjective(spec, torch::kCPU);
  weights::LoadState(*objective, Load("weights"), "weights.safetensors");
  const auto optimizer = optim::MakeOptimizer(spec["optimizer"], objective->module());
  const auto schedule =
      optim::MakeSchedule(spec["schedule"], optim::PeakRate(spec["optimizer"], 256));

  std::vector<float> losses;
  for (int64_t step = 0; step < 3; ++step) {
    const StepOutput output = objective->forward(batch, {.step = step});
    objective->module().zero_grad();
    output.loss.backward();
    losses.push_back(output.loss.item<float>());
    if (step == 0) {
      ExpectClose(expected, "pred", output.outputs.at("pred"));
      ExpectClose(expected, "mask", output.outputs.at("mask"));
      for (const auto& [name, parameter] : optim::TrainableParameters(objective->module())) {
        ExpectClose(expected, "grad." + name, parameter.grad());
      }
    }
    optimizer->Step(schedule.Rate(step));
  }
  ExpectClose(expected, "loss_per_step", torch::tensor(losses));
  const Tensors state = weights::State(*objective);
  for (const auto& [name, tensor] : state) ExpectClose(expected, "param." + name, tensor);
}

}  // namespace
}  // namespace ocellus::models
