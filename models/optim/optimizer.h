// What an optimizer is to the train loop, and the one that a training document names.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ocellus::models::optim {

struct NamedParameter {
  std::string name;  // official, dotted
  torch::Tensor tensor;
};

// Parameters with requires_grad, in the module's order.
std::vector<NamedParameter> TrainableParameters(const torch::nn::Module& module);

// Not thread-safe. Works in place on the parameters that it was made with.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // One update at rate `lr` from the parameters' .grad, all of which must be defined.
  virtual void Step(double lr) = 0;

  // Updates done so far.
  virtual int64_t steps() const = 0;

  // The state under "<kind>.<parameter>" names, and "step" (int64 scalar). The tensors are the live
  // ones, not copies.
  virtual std::map<std::string, torch::Tensor> State() const = 0;

  // Takes a State from a checkpoint. Throws wire::Fault (user, WEIGHTS_MISMATCH) that lists every
  // missing and unexpected name and every wrong shape; then nothing has changed.
  virtual void LoadState(const std::map<std::string, torch::Tensor>& state) = 0;
};

// Builds the optimizer of `section`, a resolved "optimizer" section such as {"adamw": {...}}, over
// the trainable parameters of `module`. Throws wire::Fault (user, BAD_SPEC) that names the key.
std::unique_ptr<Optimizer> MakeOptimizer(const nlohmann::json& section, torch::nn::Module& module);

// The peak rate: "lr", or "base_lr" times global_batch / 256. Throws wire::Fault (user, BAD_SPEC)
// when neither or both are given.
double PeakRate(const nlohmann::json& section, int64_t global_batch);

}  // namespace ocellus::models::optim
