// What a document resolves to.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/models/schema/documents.h"

namespace ocellus::schema {
namespace {

using nlohmann::json;

Document Resolved(const std::string& text, const std::vector<std::string>& overrides = {}) {
  Document document;
  std::vector<Problem> problems;
  EXPECT_TRUE(Load(text, "job.yaml", &document, &problems, overrides)) << problems[0].ToString();
  return document;
}

std::string FirstFault(const json& training, Use use) {
  json out;
  std::vector<Problem> problems;
  return ResolveTraining(training, use, &out, &problems) ? "" : problems[0].ToString();
}

TEST(Load, FillsEveryDefault) {
  Document document = Resolved(kLeastJob);
  EXPECT_EQ(document.scheduling,
            json::parse(R"({"name": "least", "project": "default", "priority": 0, "ranks": 1,
                            "device": "auto", "labels": {}, "stop_grace_s": 120,
                            "retry": {"user_retries": 0, "unknown_retries": 3},
                            "checkpoint": {"every_steps": 500, "interval": "steps", "keep": 3,
                                           "keep_every_steps": 0, "keep_best": 0,
                                           "best_metric": "loss", "memory_copy": false,
                                           "memory_every_steps": 0}})"));
  const json& training = document.training;
  EXPECT_EQ(training["objective"]["mae"],
            json::parse(R"({"mask_ratio": 0.75, "norm_pix_loss": true, "features": "token",
            "decoder": {"dim": 512, "depth": 8, "heads": 16}})"));
  EXPECT_EQ(training["model"]["vit"]["mlp_ratio"], 4);
  EXPECT_EQ(training["optimizer"]["adamw"],
            json::parse(R"({"lr": 0.001, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0,
                            "decay_all": false, "shard": false})"));
  EXPECT_EQ(training["schedule"], json::parse(R"({"kind": "cosine", "total_steps": 100, "min_lr": 0,
                                                  "warmup_steps": 0, "warmup_offset": 0})"));
  EXPECT_EQ(training["precision"], "bf16");
  EXPECT_EQ(training["data"]["augment"]["crop_scale"], json({0.2, 1.0}));
  EXPECT_EQ(training["eval"]["knn"]["k"], 20);
  EXPECT_EQ(training["guard"]["on_nan"], "skip");
  EXPECT_EQ(training["report"]["every_steps"], 10);
  EXPECT_EQ(training["init"]["weights"], "");
  EXPECT_EQ(training["seed"], 0);
  EXPECT_EQ(training["batch"]["accumulate"], 1);
}

TEST(Load, ColoursAreOffWhereNobodyAsksForThem) {
  const json augment = Resolved(kLeastJob).training["data"]["augment"];
  EXPECT_EQ(augment, json::parse(R"({"style": "torchvision", "backend": "reference",
            "crop_scale": [0.2, 1.0], "crop_ratio": [0.75, 1.3333333333333333],
            "interpolation": "bicubic", "flip": 0.5, "color_jitter": 0, "brightness": 0,
            "contrast": 0, "saturation": 0, "hue": 0, "grayscale": 0, "blur": 0,
            "blur_sigma": [0.1, 2.0], "solarize": 0, "solarize_threshold": 128,
            "remove_background": 0, "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225], "views": {}})"));
}

TEST(Load, AKindOfViewKeepsOnlyItsOwnOverrides) {
  const Document document = Resolved(
      kLeastJob, {"data.augment.views={second: {blur: 0.1, crop_scale: [0.1, 0.2]}, small: {}}"});
  EXPECT_EQ(document.training["data"]["augment"]["views"],
            json::parse(R"({"second": {"blur": 0.1, "crop_scale": [0.1, 0.2]}, "small": {}})"));
}

TEST(Load, TheDeviceMakesViewsOfItsStyleAndTheHostTheOthers) {
  const Document document = Resolved(
      kLeastJob, {"data.augment={backend: device, views: {second: {style: byol, backend: fast}}}"});
  EXPECT_EQ(document.training["data"]["augment"]["backend"], "device");
  Resolved(kLeastJob, {"data.augment={style: byol, views: {small: {style: torchvision, "
                       "backend: device}}}"});
}

TEST(Load, AnObjectivesAugmentHoldsWhereTheUserSaysNothing) {
  const json augment =
      Resolved(kLeastJob, {"objective={mocov3: {}}", "data.augment.color_jitter=0.5",
                           "data.augment.views={second: {blur: 0.3}}"})
          .training["data"]["augment"];
  EXPECT_EQ(augment["interpolation"], "bilinear");
  EXPECT_EQ(augment["brightness"], 0.4);
  EXPECT_EQ(augment["solarize"], 0);
  EXPECT_EQ(augment["color_jitter"], 0.5);
  EXPECT_EQ(augment["views"], json::parse(R"({"second": {"blur": 0.3, "solarize": 0.2}})"));
}

TEST(Load, AResolvedDocumentStaysAsItIs) {
  Document once = Resolved(kLeastJob);
  json again;
  std::vector<Problem> problems;
  EXPECT_TRUE(ResolveTraining(once.training, Use::kJob, &again, &problems));
  EXPECT_EQ(again, once.training);
}

TEST(Load, EpochsTakeThePlaceOfSteps) {
  Document document = Resolved(kLeastJob, {"schedule={epochs: 800, warmup_epochs: 40}"});
  EXPECT_EQ(document.training["schedule"],
            json::parse(R"({"kind": "cosine", "epochs": 800, "warmup_epochs": 40, "min_lr": 0,
                            "warmup_offset": 0})"));
}

TEST(Load, WholeFloatsBecomeIntegersWhereThoseAreWanted) {
  Document document = Resolved(kLeastJob, {"schedule.total_steps=1e3", "model.vit.mlp_ratio=2.0"});
  EXPECT_TRUE(document.training["schedule"]["total_steps"].is_number_integer());
  EXPECT_EQ(document.training["schedule"]["total_steps"], 1000);
  EXPECT_TRUE(document.training["model"]["vit"]["mlp_ratio"].is_number_float());
}

TEST(Load, PresetExpandsAndIsOverridden) {
  Document document = Resolved(kLeastJob, {"model={preset: vit_base_patch16_224, depth: 2}"});
  EXPECT_EQ(document.training["model"],
            json::parse(R"({"vit": {"image_size": 224, "patch_size": 16, "dim": 768, "depth": 2,
                                    "heads": 12, "mlp_ratio": 4, "stem": "patch",
                                    "recompute": false}})"));
}

TEST(Load, EmptySectionsAreSections) {
  Document document = Resolved(kLeastJob, {"guard={}", "objective={mae: }"});
  EXPECT_EQ(document.training["guard"]["max_skipped"], 100);
  EXPECT_EQ(document.training["objective"]["mae"]["mask_ratio"], 0.75);
}

TEST(Load, JsonIsTakenToo) {
  Document yaml = Resolved(kLeastJob);
  json whole = yaml.training;
  whole["name"] = "least";
  Document document = Resolved(whole.dump());
  EXPECT_EQ(document.training, yaml.training);
}

TEST(Replay, TakesTheContractsExample) {
  json spec = json::parse(R"({
    "objective": {"mae": {"mask_ratio": 0.75, "decoder": {"dim": 32, "depth": 1, "heads": 4}}},
    "model": {"vit": {"image_size": 32, "patch_size": 8, "dim": 64, "depth": 2, "heads": 4}},
    "optimizer": {"adamw": {"lr": 1e-3, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.05}},
    "schedule": {"warmup_steps": 0, "total_steps": 100, "kind": "constant"}})");
  json out;
  std::vector<Problem> problems;
  ASSERT_TRUE(ResolveTraining(spec, Use::kReplay, &out, &problems)) << problems[0].ToString();
  EXPECT_EQ(out["precision"], "fp32");
  EXPECT_FALSE(out.contains("data"));
  EXPECT_EQ(out["batch"], json({{"accumulate", 1}}));
  EXPECT_EQ(out["guard"]["clip_norm"], 0);
  spec["batch"] = {{"accumulate", 2}};
  ASSERT_TRUE(ResolveTraining(spec, Use::kReplay, &out, &problems)) << problems[0].ToString();
  EXPECT_EQ(out["batch"], json({{"accumulate", 2}}));
}

TEST(Replay, TakesAWholeJob) {
  json out;
  std::vector<Problem> problems;
  EXPECT_TRUE(LoadTraining(kLeastJob, "job.yaml", Use::kReplay, &out, &problems));
  EXPECT_EQ(out["data"]["train"], "/data/*.tar");
  EXPECT_FALSE(out.contains("name"));
}

TEST(Replay, RefusesWhatIsMissing) {
  json spec = Resolved(kLeastJob).training;
  for (const char* section : {"objective", "model", "optimizer", "schedule"}) {
    json without = spec;
    without.erase(section);
    EXPECT_EQ(FirstFault(without, Use::kReplay),
              std::string(section) + ": missing; give a section");
  }
  EXPECT_EQ(FirstFault(json::array(), Use::kReplay),
            "expected keys and values; for example `name: my-job`; see `ocellus explain`");
  spec.erase("batch");
  EXPECT_EQ(FirstFault(spec, Use::kReplay), "");
  spec["optimizer"] = json::parse(R"({"adamw": {"base_lr": 1e-4}})");
  EXPECT_EQ(
      FirstFault(spec, Use::kReplay),
      "optimizer.adamw.base_lr: is scaled by batch.global, which is absent; give lr, the rate "
      "itself, or batch.global");
}

TEST(Job, RefusesSchedulingKeysInATrainingDocument) {
  json spec = Resolved(kLeastJob).training;
  spec["ranks"] = 2;
  EXPECT_NE(FirstFault(spec, Use::kJob), "");
}

// Whatever the text, Load comes back, with problems exactly when it refuses.
TEST(Load, BrokenTextsNeverThrow) {
  std::mt19937 random(7);
  const std::string alphabet = "{}[]:,-#&*!|>'\"%@`~<\n\t ?0.eE+yn\\\xC3\xFF";
  for (int i = 0; i < 3000; ++i) {
    std::string text = kLeastJob;
    for (int k = random() % 6; k >= 0; --k) {
      size_t at = random() % text.size();
      char letter = alphabet[random() % alphabet.size()];
      if (random() % 3 == 0) text.erase(at, random() % 20);
      text.insert(std::min(at, text.size()), 1 + random() % 3, letter);
    }
    Document document;
    std::vector<Problem> problems;
    bool ok = Load(text, "job.yaml", &document, &problems);
    ASSERT_EQ(ok, problems.empty()) << text;
    for (const Problem& problem : problems) {
      ASSERT_EQ(problem.message.find("could not be checked"), std::string::npos)
          << text << problem.ToString();
      ASSERT_EQ(problem.message.find("schema itself"), std::string::npos) << text;
    }
  }
}

TEST(CheckRanks, BatchDividesOverRanks) {
  json training = Resolved(kLeastJob).training;
  std::vector<Problem> problems;
  EXPECT_TRUE(CheckRanks(training, 4, &problems));
  EXPECT_FALSE(CheckRanks(training, 3, &problems));
  EXPECT_EQ(
      problems[0].ToString(),
      "batch.global: 64 images do not divide over 3 ranks x 1 micro-batch; give a multiple of 3");
}

}  // namespace
}  // namespace ocellus::schema
