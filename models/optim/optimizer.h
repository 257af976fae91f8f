// What an optimizer is to the train loop, and the one that a training document names.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "models/collectives.h"

namespace ocellus::models::optim {

struct NamedParameter {
  std::string name;  // official, dotted
  torch::Tensor tensor;
};

// Parameters with requires_grad, in the module's order.
std::vector<NamedParameter> TrainableParameters(const torch::nn::Module& module);

// What else happens to the parameters in the pass of an update.
struct StepOptions {
  // fp32 scalar on the parameters' device that gradients count times; undefined: 1; NaN: nothing
  // changes, and steps() does not count it.
  torch::Tensor gradient_factor;
  // Of the averages that were given by Follow; nothing: they stay as they are.
  std::optional<double> average_momentum;
  // The rate and that momentum once more (models/ops/step_numbers.h), for kernels to read when they
  // run: a step that was recorded takes what is there when it is repeated. Undefined: made here.
  torch::Tensor numbers;
};

// Not thread-safe. Works in place on the parameters that it was made with.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // One update at rate `lr` from the parameters' .grad, all of which must be defined; the gradients
  // themselves stay.
  virtual void Step(double lr, const StepOptions& options) = 0;
  void Step(double lr) { Step(lr, StepOptions{}); }

  // From now on steps with an average_momentum also do
  //   average <- momentum average + (1 - momentum) parameter
  // with the new parameter, in the same pass. Pairs (parameter's name, average of its shape and
  // type); throws std::logic_error for a name that is not there.
  virtual void Follow(const std::map<std::string, torch::Tensor>& averages) = 0;

  // Updates done so far; waits for the device.
  virtual int64_t steps() const = 0;

  // Brings the whole state to this rank, for State, where it is spread over ranks (sharded.h): an
  // exchange of all ranks. Nothing to do elsewhere.
  virtual void Gather() {}

  // The state under "<kind>.<parameter>" names, and "step" (int64 scalar). The tensors are the live
  // ones, not copies.
  virtual std::map<std::string, torch::Tensor> State() const = 0;

  // This rank's part of it, of any names, without Gather: what a step changes besides parameters
  // and the averages that follow them.
  virtual std::map<std::string, torch::Tensor> OwnState() const { return State(); }

  // Takes a State from a checkpoint. Throws wire::Fault (user, WEIGHTS_MISMATCH) that lists every
  // missing and unexpected name and every wrong shape; then nothing has changed.
  virtual void LoadState(const std::map<std::string, torch::Tensor>& state) = 0;
};

// Builds the optimizer of `section`, a resolved "optimizer" section such as {"adamw": {...}}, over
// the trainable parameters of `module`: spread over `ranks` where there are several and the section
// says "shard". Throws wire::Fault (user, BAD_SPEC) that names the key.
std::unique_ptr<Optimizer> MakeOptimizer(const nlohmann::json& section, torch::nn::Module& module,
                                         Collectives* ranks = nullptr);

// The peak rate: "lr", or "base_lr" times global_batch / 256. Throws wire::Fault (user, BAD_SPEC)
// when neither or both are given.
double PeakRate(const nlohmann::json& section, int64_t global_batch);

}  // namespace ocellus::models::optim
