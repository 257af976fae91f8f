#include "tests/coordinator/support/fixtures.h"

namespace ocellus::coordinator {

std::string TrainingJson() {
  return R"({
    "objective": {"mae": {"mask_ratio": 0.75, "decoder": {"dim": 32, "depth": 1, "heads": 2}}},
    "model": {"vit": {"image_size": 32, "patch_size": 8, "dim": 32, "depth": 1, "heads": 2}},
    "data": {"train": "images/*.tar"},
    "batch": {"global": 16},
    "optimizer": {"adamw": {"lr": 0.001}},
    "schedule": {"total_steps": 100}})";
}

v1::JobSpec Spec(const std::string& name, int ranks) {
  v1::JobSpec spec;
  spec.set_name(name);
  spec.set_ranks(ranks);
  spec.set_device(v1::DEVICE_CPU);
  spec.set_training_json(TrainingJson());
  return spec;
}

}  // namespace ocellus::coordinator
