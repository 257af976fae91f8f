#include "models/objectives/document.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

std::string Join(const std::array<float, 3>& values) {
  std::ostringstream text;
  text << values[0] << "," << values[1] << "," << values[2];
  return text.str();
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

std::map<std::string, std::string> PreprocessingMetadata(const Colours& colours, int64_t image_size,
                                                         const std::string& interpolation) {
  return {{"image_size", std::to_string(image_size)},
          {"mean", Join(colours.mean)},
          {"std", Join(colours.std)},
          {"interpolation", interpolation}};
}

}  // namespace ocellus::models::objectives
