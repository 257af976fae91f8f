#include <map>
#include <nlohmann/json.hpp>

#include "models/nn/resnet.h"
#include "worker/wire/fault.h"

namespace ocellus::models::nn {
namespace {

[[noreturn]] void ThrowBadResNet(const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", "model.resnet" + message,
                    "see `ocellus explain model.resnet`");
}

ResNetShape OfDepth(int64_t depth) {
  static const std::map<int64_t, ResNetShape> shapes = {
      {18, {.bottleneck = false, .layers = {2, 2, 2, 2}}},
      {34, {.bottleneck = false, .layers = {3, 4, 6, 3}}},
      {50, {.bottleneck = true, .layers = {3, 4, 6, 3}}},
      {101, {.bottleneck = true, .layers = {3, 4, 23, 3}}},
      {152, {.bottleneck = true, .layers = {3, 8, 36, 3}}},
      {200, {.bottleneck = true, .layers = {3, 24, 36, 3}}}};
  const auto found = shapes.find(depth);
  if (found == shapes.end()) {
    ThrowBadResNet(".depth: " + std::to_string(depth) +
                   " is none of 18, 34, 50, 101, 152, 200; others are `block` with `layers`");
  }
  return found->second;
}

ResNetShape OfLayers(const nlohmann::json& section) {
  const std::string block = section.at("block").get<std::string>();
  if (block != "basic" && block != "bottleneck") {
    ThrowBadResNet(".block: '" + block + "' is neither basic nor bottleneck");
  }
  if (!section.contains("layers") || section["layers"].size() != 4) {
    ThrowBadResNet(".layers: four numbers of blocks are needed beside block");
  }
  ResNetShape shape{.bottleneck = block == "bottleneck"};
  for (size_t i = 0; i < 4; ++i) {
    shape.layers[i] = section["layers"].at(i).get<int64_t>();
    if (shape.layers[i] < 1) ThrowBadResNet(".layers: each stage has one block or more");
  }
  return shape;
}

}  // namespace

ResNetShape ParseResNetShape(const nlohmann::json& section) {
  try {
    if (section.contains("depth") == section.contains("block")) {
      ThrowBadResNet(": give either depth, or block with layers");
    }
    if (section.contains("depth") && section.contains("layers")) {
      ThrowBadResNet(".layers: depth says it already; give either depth, or block with layers");
    }
    ResNetShape shape =
        section.contains("depth") ? OfDepth(section["depth"].get<int64_t>()) : OfLayers(section);
    shape.width = section.value("width", shape.width);
    if (shape.width < 1) ThrowBadResNet(".width: must be 1 or more");
    shape.image_size = section.value("image_size", shape.image_size);
    return shape;
  } catch (const nlohmann::json::exception& error) {
    ThrowBadResNet(std::string(": ") + error.what());
  }
}

}  // namespace ocellus::models::nn
