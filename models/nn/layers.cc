#include "models/nn/layers.h"

#include <cmath>
#include <tuple>

#include "models/ops/layer_norm.h"
#include "models/ops/linear.h"

namespace ocellus::models::nn {

Linear::Linear(int64_t in, int64_t out, bool has_bias) {
  weight = register_parameter("weight", torch::zeros({out, in}));
  if (has_bias) bias = register_parameter("bias", torch::zeros({out}));
}

torch::Tensor Linear::forward(const torch::Tensor& x, torch::ScalarType compute) const {
  return ops::Linear(x, weight, bias, compute);
}

LayerNorm::LayerNorm(int64_t width, double eps) : eps(eps) {
  weight = register_parameter("weight", torch::ones({width}));
  bias = register_parameter("bias", torch::zeros({width}));
}

torch::Tensor Normalise(Stream& stream, const LayerNorm& norm, torch::ScalarType compute) {
  torch::Tensor normalised;
  std::tie(stream.residual, normalised) =
      ops::AddLayerNorm(stream.residual, stream.branch, norm.weight, norm.bias, norm.eps, compute);
  stream.branch = torch::Tensor();
  return normalised;
}

void XavierUniform(torch::Tensor weight, torch::Generator& generator) {
  const int64_t fan_out = weight.size(0), fan_in = weight.numel() / fan_out;
  Uniform(weight, std::sqrt(6.0 / static_cast<double>(fan_in + fan_out)), generator);
}

void Uniform(torch::Tensor tensor, double bound, torch::Generator& generator) {
  const torch::NoGradGuard no_grad;
  tensor.copy_(torch::empty(tensor.sizes()).uniform_(-bound, bound, generator));
}

void Normal(torch::Tensor tensor, double deviation, torch::Generator& generator) {
  const torch::NoGradGuard no_grad;
  tensor.copy_(torch::empty(tensor.sizes()).normal_(0.0, deviation, generator));
}

void DefaultInitialise(Linear& linear, torch::Generator& generator) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(linear.weight.size(1)));
  Uniform(linear.weight, bound, generator);
  if (linear.bias.defined()) Uniform(linear.bias, bound, generator);
}

}  // namespace ocellus::models::nn
