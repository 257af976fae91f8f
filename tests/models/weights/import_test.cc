// Weights under the names of others: what is filled, what stays, what is refused.
#include "models/weights/import.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/weights/names.h"
#include "models/weights/weights.h"
#include "worker/wire/fault.h"

namespace ocellus::models::weights {
namespace {

nlohmann::json Relic() {
  return nlohmann::json::parse(R"({
    "objective": {"relicv2": {
      "temperature": 0.2, "alpha": 1.0, "beta": 1.0, "momentum": 0.9,
      "momentum_schedule": "constant", "large_views": 2, "small_views": 0, "small_size": 32,
      "include_self_pairs": true, "divergence": "listing",
      "small_divergence": true, "num_negatives": 2, "proj_dim": 8, "mlp_dim": 16,
      "predictor": true}},
    "model": {"resnet": {"block": "basic", "layers": [1, 1, 1, 1], "width": 4,
                         "image_size": 32}},
    "precision": "fp32"})");
}

std::unique_ptr<Objective> Initialised(const nlohmann::json& document, uint64_t seed) {
  auto objective = MakeObjective(document, torch::kCPU);
  objective->initialise(at::make_generator<at::CPUGeneratorImpl>(seed));
  return objective;
}

Tensors Below(const std::string& prefix, const Tensors& tensors) {
  Tensors renamed;
  for (const auto& [name, tensor] : tensors) renamed[prefix + name] = tensor;
  return renamed;
}

void ExpectEqual(const Tensors& got, const Tensors& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (const auto& [name, tensor] : expected)
    EXPECT_TRUE(torch::equal(got.at(name), tensor)) << name;
}

TEST(Import, TakesOffWhatWrapsEveryName) {
  const auto source = Initialised(Relic(), 1);
  for (const char* prefix : {"", "module.", "model.", "state_dict.module."}) {
    const auto target = Initialised(Relic(), 2);
    const ImportReport report =
        Import(*target, Below(prefix, State(*source)), ImportPart::kAll, "w");
    ExpectEqual(State(*target), State(*source));
    EXPECT_EQ(report.filled.size(), State(*source).size());
    EXPECT_TRUE(report.kept.empty() && report.left_out.empty());
  }
}

TEST(Import, ConvertsTypesAndScalars) {
  const auto source = Initialised(Relic(), 1), target = Initialised(Relic(), 2);
  Tensors given = State(*source);
  given["online.projector.3.weight"] = given["online.projector.3.weight"].to(torch::kFloat16);
  given["online.encoder.bn1.num_batches_tracked"] = torch::full({1}, 5, torch::kInt64);
  Import(*target, given, ImportPart::kAll, "w");
  const Tensors state = State(*target);
  EXPECT_EQ(state.at("online.projector.3.weight").scalar_type(), torch::kFloat32);
  EXPECT_EQ(state.at("online.encoder.bn1.num_batches_tracked").item<int64_t>(), 5);
}

TEST(Import, ListsEveryFaultAndChangesNothing) {
  const auto target = Initialised(Relic(), 2);
  Tensors before, given;
  for (const auto& [name, tensor] : State(*target)) before[name] = tensor.clone();
  for (const auto& [name, tensor] : State(*Initialised(Relic(), 1))) given[name] = tensor;
  given.erase("online.predictor.0.bias");
  given["fc.weight"] = torch::zeros({3});
  given["online.encoder.conv1.weight"] = torch::zeros({4, 3, 3, 3});
  try {
    Import(*target, given, ImportPart::kAll, "w.safetensors");
    FAIL();
  } catch (const wire::Fault& fault) {
    const std::string message = fault.what();
    for (const char* part : {"w.safetensors", "missing: online.predictor.0.bias",
                             "unexpected: fc.weight", "online.encoder.conv1.weight has shape"}) {
      EXPECT_NE(message.find(part), std::string::npos) << message;
    }
  }
  ExpectEqual(State(*target), before);
}

TEST(Import, TakesATorchvisionEncoderAndItsSlowCopyFollows) {
  const auto source = Initialised(Relic(), 1);
  Tensors given = source->encoder_weights();
  given["fc.weight"] = torch::zeros({1000, 32});
  given["fc.bias"] = torch::zeros({1000});
  const auto target = Initialised(Relic(), 2);
  const torch::Tensor projector = State(*target).at("online.projector.0.weight").clone();
  const ImportReport report = Import(*target, given, ImportPart::kEncoder, "w");

  ExpectEqual(target->encoder_weights(), source->encoder_weights());
  const Tensors state = State(*target);
  EXPECT_TRUE(torch::equal(state.at("target.encoder.conv1.weight"), given.at("conv1.weight")));
  EXPECT_TRUE(torch::equal(state.at("online.projector.0.weight"), projector));
  EXPECT_EQ(report.left_out, (std::vector<std::string>{"fc.bias", "fc.weight"}));
  EXPECT_EQ(report.filled.size(), 2 * source->encoder_weights().size());
  EXPECT_EQ(report.filled.size() + report.kept.size(), state.size());
  const auto kept = [&](const std::string& name) {
    return std::find(report.kept.begin(), report.kept.end(), name) != report.kept.end();
  };
  EXPECT_TRUE(kept("online.predictor.0.weight"));
  EXPECT_NE(report.Text().find("left out of the file 2: fc.bias fc.weight"), std::string::npos);
}

TEST(Import, FindsAnEncoderInsideOfOtherMethodsFiles) {
  const auto source = Initialised(Relic(), 1);
  for (const char* prefix : {"module.base_encoder.", "online.encoder.", "backbone.", "visual."}) {
    const auto target = Initialised(Relic(), 2);
    Tensors given = Below(prefix, source->encoder_weights());
    if (std::string(prefix).starts_with("module."))
      given["module.predictor.0.weight"] = given["module.base_encoder.conv1.weight"];
    Import(*target, given, ImportPart::kEncoder, "w");
    ExpectEqual(target->encoder_weights(), source->encoder_weights());
  }
}

TEST(Import, AnEncoderMustBeWhole) {
  const auto target = Initialised(Relic(), 2);
  Tensors given = Initialised(Relic(), 1)->encoder_weights();
  given.erase("layer3.0.conv1.weight");
  try {
    Import(*target, given, ImportPart::kEncoder, "w");
    FAIL();
  } catch (const wire::Fault& fault) {
    EXPECT_NE(std::string(fault.what()).find("missing: layer3.0.conv1.weight"), std::string::npos);
  }
}

TEST(Import, KnowsAnEncodersExport) {
  const auto objective = Initialised(Relic(), 1);
  Tensors given = objective->encoder_weights();
  EXPECT_TRUE(IsEncoderAlone(*objective, given));
  EXPECT_FALSE(IsEncoderAlone(*objective, State(*objective)));
  given.erase("bn1.bias");
  EXPECT_FALSE(IsEncoderAlone(*objective, given));
}

TEST(Names, OpenClipsTextTowerMayLieBelow) {
  const torch::Tensor any = torch::zeros({1});
  const Tensors own = {{"visual.proj", any}, {"ln_final.weight", any}, {"text_projection", any}};
  const Tensors given = {
      {"visual.proj", any}, {"text.ln_final.weight", any}, {"text.text_projection", any}};
  const Renaming names = WholeNames(own, given);
  EXPECT_EQ(names.at("ln_final.weight"), "text.ln_final.weight");
  EXPECT_EQ(names.at("text_projection"), "text.text_projection");
  EXPECT_EQ(names.at("visual.proj"), "visual.proj");
}

}  // namespace
}  // namespace ocellus::models::weights
