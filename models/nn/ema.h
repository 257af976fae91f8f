// A slow copy of a network: its parameters are a moving average of those of a trained one.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ocellus::models::nn {

// m(i) of step i of T: `momentum` throughout, or 1 - (1 - momentum) (1 + cos(pi i / T)) / 2, which
// ends at 1.
struct MomentumSchedule {
  double momentum = 0.99;
  bool cosine = false;

  double At(int64_t step, int64_t total_steps) const;
};

// From an objective's resolved section: `momentum`, `momentum_schedule` (constant | cosine). Throws
// wire::Fault (user, BAD_SPEC) that names the key, below `path`.
MomentumSchedule ParseMomentumSchedule(const nlohmann::json& section, const std::string& path);

// The pairs (copy, source) of parameters of two modules; frozen ones are averaged too. Buffers are
// left alone: the copy keeps its own running values from its own passes.
class Ema {
 public:
  // Adds every parameter of `source` with the one of the same name in `copy`, and takes the copy's
  // gradient away (requires_grad false). Parameters of `copy` must be those of `source`; throws
  // std::logic_error otherwise. The modules must not be rebuilt afterwards; they may move to
  // another device.
  void Add(const torch::nn::Module& source, torch::nn::Module& copy);

  // copy <- source, as at the start of a run.
  void Copy();

  // copy <- momentum copy + (1 - momentum) source; `numbers` as in ops::MoveAverages.
  void Update(double momentum, const torch::Tensor& numbers = {});

  // The copies of trained parameters, by the parameters' names in `root`, for an optimizer that
  // moves them in its own pass: Update is for the others from then on.
  std::map<std::string, torch::Tensor> HandOver(const torch::nn::Module& root);

 private:
  std::vector<torch::Tensor> sources_, copies_;
};

}  // namespace ocellus::models::nn
