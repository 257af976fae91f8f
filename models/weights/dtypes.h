// Types of safetensors files and of LibTorch.
#pragma once

#include <torch/torch.h>

#include <optional>
#include <string>

namespace ocellus::models::weights {

// Nothing for a type that is not read here.
std::optional<torch::ScalarType> TorchType(const std::string& dtype);

// REQUIRES: a type that TorchType gives back.
std::string FileType(torch::ScalarType type);

}  // namespace ocellus::models::weights
