#include "tests/models/ops/agreement.h"

#include <gtest/gtest.h>

namespace ocellus::models::ops {
namespace {

struct Result {
  Tensors outputs, gradients;
};

// A leaf with the same values and strides.
torch::Tensor Leaf(const torch::Tensor& tensor, torch::ScalarType type) {
  torch::Tensor leaf = torch::empty_strided(tensor.sizes(), tensor.strides(),
                                            tensor.options().dtype(type).requires_grad(false));
  leaf.copy_(tensor.detach());
  return leaf.requires_grad_(true);
}

Result Run(const Formula& formula, const Tensors& inputs) {
  Result result;
  result.outputs = formula(inputs);
  torch::Tensor total = torch::zeros({}, torch::kFloat64);
  uint64_t seed = 1000;
  for (const torch::Tensor& output : result.outputs) {
    const torch::Tensor weights = Normal(output.sizes(), seed++).to(torch::kFloat64);
    total = total + (output.to(torch::kFloat64) * weights).sum();
  }
  result.gradients = torch::autograd::grad({total}, inputs, {}, false, false, true);
  return result;
}

void ExpectClose(const torch::Tensor& fused, const torch::Tensor& exact, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(fused.defined(), exact.defined()) << what;
  if (!exact.defined()) return;
  ASSERT_EQ(fused.sizes(), exact.sizes()) << what;
  const double size = exact.abs().max().item<double>();
  const double error = (fused.detach().to(torch::kFloat64) - exact).abs().max().item<double>();
  EXPECT_LE(error, tolerance * std::max(size, 1e-3)) << what << " of magnitude " << size;
}

}  // namespace

torch::Tensor Normal(torch::IntArrayRef shape, uint64_t seed) {
  return torch::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed), torch::kFloat32);
}

void ExpectAgreement(const Formula& fused, const Formula& formula, const Tensors& inputs,
                     double tolerance) {
  Tensors own, exact;
  for (const torch::Tensor& input : inputs) {
    own.push_back(Leaf(input, input.scalar_type()));
    exact.push_back(Leaf(input, torch::kFloat64));
  }
  const Result got = Run(fused, own), want = Run(formula, exact);
  ASSERT_EQ(got.outputs.size(), want.outputs.size());
  for (size_t i = 0; i < got.outputs.size(); ++i) {
    ExpectClose(got.outputs[i], want.outputs[i], tolerance, "output " + std::to_string(i));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    ExpectClose(got.gradients[i], want.gradients[i], tolerance, "gradient " + std::to_string(i));
    if (got.gradients[i].defined()) {
      EXPECT_EQ(got.gradients[i].scalar_type(), inputs[i].scalar_type()) << "gradient " << i;
    }
  }
}

void ExpectSameBitsForAnyThreads(const Formula& fused, const Tensors& inputs) {
  Tensors own;
  for (const torch::Tensor& input : inputs) own.push_back(Leaf(input, input.scalar_type()));
  const int threads = torch::get_num_threads();
  torch::set_num_threads(1);
  const Result one = Run(fused, own);
  torch::set_num_threads(3);
  const Result three = Run(fused, own);
  torch::set_num_threads(threads);
  for (size_t i = 0; i < one.outputs.size(); ++i) {
    EXPECT_TRUE(torch::equal(one.outputs[i], three.outputs[i])) << "output " << i;
  }
  for (size_t i = 0; i < one.gradients.size(); ++i) {
    EXPECT_TRUE(torch::equal(one.gradients[i], three.gradients[i])) << "gradient " << i;
  }
}

}  // namespace ocellus::models::ops
