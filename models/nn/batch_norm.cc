#include "models/nn/batch_norm.h"

namespace ocellus::models::nn {

BatchNorm::BatchNorm(int64_t channels, bool affine) {
  if (affine) {
    weight = register_parameter("weight", torch::ones({channels}));
    bias = register_parameter("bias", torch::zeros({channels}));
  }
  running_mean_ = register_buffer("running_mean", torch::zeros({channels}));
  running_var_ = register_buffer("running_var", torch::ones({channels}));
  num_batches_tracked_ = register_buffer("num_batches_tracked", torch::zeros({}, torch::kInt64));
}

torch::Tensor BatchNorm::forward(const torch::Tensor& x, const Pass& pass) const {
  const ops::RunningStatistics running{running_mean_, running_var_, num_batches_tracked_};
  if (pass.collectives == nullptr) {
    return ops::BatchNormEvaluation(x, weight, bias, running, kEps);
  }
  return ops::BatchNormTraining(x, weight, bias, running, kMomentum, kEps, *pass.collectives);
}

}  // namespace ocellus::models::nn
