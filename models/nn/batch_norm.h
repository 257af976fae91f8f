// BatchNorm as a module, and how a network that has some is run.
#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "models/collectives.h"
#include "models/ops/batch_norm.h"

namespace ocellus::models::nn {

// One pass through a network with batch statistics.
struct Pass {
  torch::ScalarType compute = torch::kFloat32;  // of products and activations
  // Whose batches make the statistics, which then move the running values. Null: an evaluation, by
  // the running values, without side effects. Not owned; must outlive the backward pass.
  Collectives* collectives = nullptr;
};

// BatchNorm1d and BatchNorm2d in one, over all ranks. Parameters weight (1) and bias (0) unless not
// affine; buffers running_mean (0), running_var (1), num_batches_tracked (int64 0).
class BatchNorm final : public torch::nn::Module {
 public:
  static constexpr double kEps = 1e-5;
  static constexpr double kMomentum = 0.1;

  explicit BatchNorm(int64_t channels, bool affine = true);

  // x [N, C] or [N, C, H, W], fp32 or bf16. Returns the same shape and type; fp32 inside.
  torch::Tensor forward(const torch::Tensor& x, const Pass& pass) const;

  torch::Tensor weight, bias;  // undefined when not affine

 private:
  torch::Tensor running_mean_, running_var_, num_batches_tracked_;
};

}  // namespace ocellus::models::nn
