// The two layers that everything here is made of: parameters under the official names, computation
// in models/ops.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>

namespace ocellus::models::nn {

// y = x weight^T + bias. weight [out, in], bias [out], both zero until they are initialised or
// loaded; without a bias that tensor is undefined.
class Linear final : public torch::nn::Module {
 public:
  Linear(int64_t in, int64_t out, bool has_bias = true);
  // x [..., in], any floating type. Returns [..., out] in `compute`.
  torch::Tensor forward(const torch::Tensor& x, torch::ScalarType compute) const;

  torch::Tensor weight, bias;
};

// LayerNorm over the last dimension of a residual stream. weight 1, bias 0 until loaded.
class LayerNorm final : public torch::nn::Module {
 public:
  LayerNorm(int64_t width, double eps);

  torch::Tensor weight, bias;
  const double eps;
};

// A pre-norm residual stream: its value is residual + branch. The addition waits for the LayerNorm
// that comes next, which does both in one pass.
struct Stream {
  torch::Tensor residual;  // [B, N, D] fp32
  torch::Tensor branch;    // [B, N, D] in the compute type, or undefined
};

// Adds the branch; `stream` is then the sum without a branch. Returns the normalised sum in
// `compute`.
torch::Tensor Normalise(Stream& stream, const LayerNorm& norm, torch::ScalarType compute);

// Draws weights from the generator of the CPU, whatever the device of the tensor.

// Uniform in +-sqrt(6 / (fan_in + fan_out)), where all dimensions but the first count as fan-in.
void XavierUniform(torch::Tensor weight, torch::Generator& generator);
void Uniform(torch::Tensor tensor, double bound, torch::Generator& generator);
void Normal(torch::Tensor tensor, double deviation, torch::Generator& generator);

// PyTorch's default of torch.nn.Linear: weight (Kaiming uniform with a = sqrt 5) and bias uniform
// in +-1 / sqrt(in).
void DefaultInitialise(Linear& linear, torch::Generator& generator);

}  // namespace ocellus::models::nn
