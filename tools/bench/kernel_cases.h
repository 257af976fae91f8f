// What tools/bench/kernels compares: each fused operator and the composition of ATen operators that
// it stands for, on the same tensors.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <string>
#include <vector>

namespace ocellus::bench {

struct Case {
  std::string name;
  std::function<void()> ours, aten;  // one unit of work each
};

// Forward to the returned tensors, and back to `inputs` from fixed random gradients.
using Forward = std::function<std::vector<torch::Tensor>()>;
Case ForwardBackward(const std::string& name, const std::vector<torch::Tensor>& inputs,
                     const Forward& ours, const Forward& aten);

// A leaf of normal numbers.
torch::Tensor Leaf(torch::IntArrayRef shape, torch::ScalarType type = torch::kFloat32,
                   double deviation = 1);

std::vector<Case> TransformerCases();
std::vector<Case> OptimizerCases();
std::vector<Case> ContrastCases();
std::vector<Case> HeadCases();
std::vector<Case> ConvNextCases();

// Extra memory at the peak of one forward and backward pass of each side, in processes of their
// own; and ours a pair, for 4 times as many pairs beside as many. Print their lines themselves.
void ReportContrastMemory(int64_t pairs);
void ReportContrastGrowth(int64_t pairs);

}  // namespace ocellus::bench
