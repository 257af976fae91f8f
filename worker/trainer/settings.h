// What the trainer itself reads of a resolved training document. Objective, model and optimizer
// read their own sections. models/schema/ has every default; there is none here.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace ocellus::trainer {

struct GuardSettings {
  bool fail_on_nan = false;
  int64_t max_skipped = 0;
  double clip_norm = 0;  // 0: no clipping
};

struct KnnSettings {
  int64_t k = 0;
  double temperature = 0;
  int64_t train_samples = 0;
  int64_t val_samples = 0;
};

struct EvalSettings {
  int64_t every_steps = 0;  // 0: at the start and the end only
  KnnSettings knn;
  int64_t pictures = 0;
};

struct Settings {
  uint64_t seed = 0;
  bool bf16 = false;
  int64_t global_batch = 0;
  int64_t accumulate = 1;
  GuardSettings guard;
  EvalSettings eval;
  int64_t report_every_steps = 1;
};

Settings ReadSettings(const nlohmann::json& training);
GuardSettings ReadGuard(const nlohmann::json& guard);

}  // namespace ocellus::trainer
