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

struct ProbeSettings {
  int64_t iterations = 0;  // 0: no probe
  double l2 = 0;
};

struct CollapseSettings {
  int64_t every_steps = 0;  // 0: with the evaluations only
  int64_t samples = 0;      // 0: never
  int64_t after_steps = 0;
  double min_std = 0;   // share of the healthy standard deviation
  double min_rank = 0;  // effective rank
};

struct EvalSettings {
  int64_t every_steps = 0;  // 0: at the start and the end only
  KnnSettings knn;
  ProbeSettings probe;
  CollapseSettings collapse;
  int64_t pictures = 0;
};

struct Settings {
  uint64_t seed = 0;
  bool bf16 = false;
  int64_t global_batch = 0;
  int64_t accumulate = 1;
  int64_t micro_batch() const { return global_batch / accumulate; }  // over all ranks
  GuardSettings guard;
  EvalSettings eval;
  int64_t report_every_steps = 1;
};

Settings ReadSettings(const nlohmann::json& training);
GuardSettings ReadGuard(const nlohmann::json& guard);

}  // namespace ocellus::trainer
