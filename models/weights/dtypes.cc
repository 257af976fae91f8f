#include "models/weights/dtypes.h"

#include <stdexcept>
#include <utility>

namespace ocellus::models::weights {
namespace {

constexpr std::pair<const char*, torch::ScalarType> kTypes[] = {
    {"F64", torch::kFloat64},   {"F32", torch::kFloat32}, {"F16", torch::kFloat16},
    {"BF16", torch::kBFloat16}, {"I64", torch::kInt64},   {"I32", torch::kInt32},
    {"I16", torch::kInt16},     {"I8", torch::kInt8},     {"U8", torch::kUInt8},
    {"BOOL", torch::kBool}};

}  // namespace

std::optional<torch::ScalarType> TorchType(const std::string& dtype) {
  for (const auto& [name, type] : kTypes) {
    if (dtype == name) return type;
  }
  return std::nullopt;
}

std::string FileType(torch::ScalarType type) {
  for (const auto& [name, known] : kTypes) {
    if (type == known) return name;
  }
  throw std::logic_error("no safetensors type for a tensor");
}

}  // namespace ocellus::models::weights
