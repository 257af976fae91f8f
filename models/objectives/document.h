// What every objective reads from a resolved training document.
#pragma once

#include <torch/torch.h>

#include <array>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace ocellus::models::objectives {

// How images were resized and normalised: value = (colour - mean) / std, colours in [0, 1].
struct Colours {
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f};
  std::array<float, 3> std{0.229f, 0.224f, 0.225f};
  std::string interpolation = "bicubic";
};

// From data.augment; a replay, which has no data section, has ImageNet's.
Colours ParseColours(const nlohmann::json& document);

// kBFloat16 or kFloat32, from "precision". Throws wire::Fault (user, BAD_SPEC).
torch::ScalarType ParsePrecision(const nlohmann::json& document);

// What an exported encoder says of its inputs: image_size, mean, std, interpolation, and crop_pct:
// whole images are resized to a shorter side of int(image_size / crop_pct), the centre is cut out.
// timm_pretrained_cfg has the same as timm.data.resolve_data_config takes it.
std::map<std::string, std::string> PreprocessingMetadata(const Colours& colours,
                                                         int64_t image_size);

}  // namespace ocellus::models::objectives
