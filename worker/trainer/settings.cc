#include "worker/trainer/settings.h"

#include <nlohmann/json.hpp>

namespace ocellus::trainer {

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

  const nlohmann::json& eval = training.at("eval");
  settings.eval.every_steps = eval.at("every_steps");
  settings.eval.pictures = eval.at("pictures");
  settings.eval.knn.k = eval.at("knn").at("k");
  settings.eval.knn.temperature = eval.at("knn").at("temperature");
  settings.eval.knn.train_samples = eval.at("knn").at("train_samples");
  settings.eval.knn.val_samples = eval.at("knn").at("val_samples");
  settings.report_every_steps = training.at("report").at("every_steps");
  return settings;
}

}  // namespace ocellus::trainer
