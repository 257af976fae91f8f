// Holds a fused operator against the same formula written with ATen operators in fp64: values and
// gradients.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <vector>

namespace ocellus::models::ops {

using Tensors = std::vector<torch::Tensor>;
using Formula = std::function<Tensors(const Tensors&)>;

// How far values may be apart, as a share of the largest magnitude in the tensor.
constexpr double kFp32 = 2e-6;
constexpr double kBf16 = 2e-2;

// Standard normal numbers from a seed of the test's own.
torch::Tensor Normal(torch::IntArrayRef shape, uint64_t seed);

// Runs `fused` on `inputs` and `formula` on their fp64 copies; expects equal outputs, and equal
// gradients of a random weighting of the outputs with respect to each floating input. Inputs keep
// their strides. Outputs that are undefined are left out on both sides.
void ExpectAgreement(const Formula& fused, const Formula& formula, const Tensors& inputs,
                     double tolerance);

// Runs `fused` forward and backward with one and with three threads; expects the same bits.
void ExpectSameBitsForAnyThreads(const Formula& fused, const Tensors& inputs);

}  // namespace ocellus::models::ops
