// What every objective reads from a resolved training document.
#pragma once

#include <torch/torch.h>

#include <array>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace ocellus::models::objectives {

// How images were normalised: value = (colour - mean) / std, colours in [0, 1].
struct Colours {
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f};
  std::array<float, 3> std{0.229f, 0.224f, 0.225f};
};

// From data.augment; a replay, which has no data section, has ImageNet's.
Colours ParseColours(const nlohmann::json& document);

// kBFloat16 or kFloat32, from "precision". Throws wire::Fault (user, BAD_SPEC).
torch::ScalarType ParsePrecision(const nlohmann::json& document);

// What an exported encoder says of its inputs: image_size, mean, std, interpolation.
std::map<std::string, std::string> PreprocessingMetadata(const Colours& colours, int64_t image_size,
                                                         const std::string& interpolation);

}  // namespace ocellus::models::objectives
