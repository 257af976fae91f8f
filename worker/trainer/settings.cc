#include "worker/trainer/settings.h"

#include <nlohmann/json.hpp>

namespace ocellus::trainer {

namespace {

EvalSettings ReadEval(const nlohmann::json& eval) {
  EvalSettings settings;
  settings.every_steps = eval.at("every_steps");
  settings.pictures = eval.at("pictures");
  const nlohmann::json& knn = eval.at("knn");
  settings.knn.k = knn.at("k");
  settings.knn.temperature = knn.at("temperature");
  settings.knn.train_samples = knn.at("train_samples");
  settings.knn.val_samples = knn.at("val_samples");
  settings.probe.iterations = eval.at("probe").at("iterations");
  settings.probe.l2 = eval.at("probe").at("l2");
  const nlohmann::json& collapse = eval.at("collapse");
  settings.collapse.every_steps = collapse.at("every_steps");
  settings.collapse.samples = collapse.at("samples");
  settings.collapse.after_steps = collapse.at("after_steps");
  settings.collapse.min_std = collapse.at("min_std");
  settings.collapse.min_rank = collapse.at("min_rank");
  return settings;
}

}  // namespace

GuardSettings ReadGuard(const nlohmann::json& guard) {
  GuardSettings settings;
  settings.fail_on_nan = guard.at("on_nan") == "fail";
  settings.max_skipped = guard.at("max_skipped");
  settings.clip_norm = guard.at("clip_norm");
  return settings;
}

Settings ReadSettings(const nlohmann::json& training) {
  Settings settings;
  settings.seed = training.at("seed");
  settings.bf16 = training.at("precision") == "bf16";
  settings.global_batch = training.at("batch").at("global");
  settings.accumulate = training.at("batch").at("accumulate");
  settings.guard = ReadGuard(training.at("guard"));
  settings.eval = ReadEval(training.at("eval"));
  settings.report_every_steps = training.at("report").at("every_steps");
  return settings;
}

}  // namespace ocellus::trainer
