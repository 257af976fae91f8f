// Projectors and predictors: fully connected layers in a row, under the numbers that a
// torch.nn.Sequential gives them.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "models/nn/batch_norm.h"
#include "models/nn/layers.h"

namespace ocellus::models::nn {

// What a head is made of, in order. A ReLU has a number, and no tensors.
struct LinearPart {
  int64_t in = 0, out = 0;
  bool bias = false;
};
struct BatchNormPart {
  int64_t width = 0;
  bool affine = true;
};
struct ReluPart {};
using HeadPart = std::variant<LinearPart, BatchNormPart, ReluPart>;

// For example {LinearPart{512, 4096}, BatchNormPart{4096}, ReluPart{}, LinearPart{4096, 256}}:
// 0.weight, 1.weight, 1.bias, 1.running_mean ..., 3.weight.
class MlpHead final : public torch::nn::Module {
 public:
  explicit MlpHead(const std::vector<HeadPart>& parts);

  // x [N, in], any floating type. Returns [N, out] in pass.compute.
  torch::Tensor forward(const torch::Tensor& x, const Pass& pass) const;

  // PyTorch's default: see DefaultInitialise.
  void Initialise(torch::Generator& generator);

 private:
  using Layer = std::variant<std::shared_ptr<Linear>, std::shared_ptr<BatchNorm>, ReluPart>;
  std::vector<Layer> layers_;
};

}  // namespace ocellus::models::nn
