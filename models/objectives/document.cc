#include "models/objectives/document.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

constexpr const char* kCropShare = "0.875";  // what evaluations keep of the shorter side

// The fewest digits that are this number and no other.
std::string Digits(float value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

std::string Join(const std::array<float, 3>& values) {
  return Digits(values[0]) + "," + Digits(values[1]) + "," + Digits(values[2]);
}

}  // namespace

Colours ParseColours(const nlohmann::json& document) {
  Colours colours;
  const nlohmann::json augment =
      document.value("data", nlohmann::json::object()).value("augment", nlohmann::json::object());
  for (size_t i = 0; i < 3; ++i) {
    if (augment.contains("mean")) colours.mean[i] = augment["mean"].at(i).get<float>();
    if (augment.contains("std")) colours.std[i] = augment["std"].at(i).get<float>();
  }
  colours.interpolation = augment.value("interpolation", colours.interpolation);
  return colours;
}

torch::ScalarType ParsePrecision(const nlohmann::json& document) {
  const std::string precision = document.at("precision").get<std::string>();
  if (precision == "bf16") return torch::kBFloat16;
  if (precision == "fp32") return torch::kFloat32;
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC",
                    "precision: '" + precision + "' is neither bf16 nor fp32",
                    "see `ocellus explain precision`");
}

std::map<std::string, std::string> PreprocessingMetadata(const Colours& colours,
                                                         int64_t image_size) {
  using nlohmann::json;
  const std::string mean = Join(colours.mean), deviation = Join(colours.std);
  const json timm = {
      {"input_size", {3, image_size, image_size}}, {"interpolation", colours.interpolation},
      {"mean", json::parse("[" + mean + "]")},     {"std", json::parse("[" + deviation + "]")},
      {"crop_pct", json::parse(kCropShare)},       {"crop_mode", "center"}};
  return {{"image_size", std::to_string(image_size)},
          {"mean", mean},
          {"std", deviation},
          {"interpolation", colours.interpolation},
          {"crop_pct", kCropShare},
          {"timm_pretrained_cfg", timm.dump()}};
}

}  // namespace ocellus::models::objectives
