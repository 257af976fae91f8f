// What a processor could do at most, to hold a training step against.
#pragma once

#include <torch/torch.h>

#include <string>

namespace ocellus::trainer {

struct Peak {
  double flops = 0;  // floating-point operations a second
  std::string what;  // how it is known
};

// Of dense products in `compute` (fp32 or bf16). For GPUs of a known name the maker's figure; else,
// and on CPU with the threads that are set, that of a product of its own, which takes a moment.
Peak PeakOf(torch::Device device, torch::ScalarType compute);

// The maker's figure for a GPU's name in bf16 without sparsity; 0 for a name that is not known.
double MakersPeak(const std::string& name);

}  // namespace ocellus::trainer
