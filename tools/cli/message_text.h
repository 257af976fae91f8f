// Protobuf messages as JSON and YAML with the field names of the proto files: the stable output.
#pragma once

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <string>

namespace ocellus::cli {

// The message with every scalar field, also the empty ones. 64-bit integers are strings, as
// proto3's JSON has it.
nlohmann::ordered_json JsonOf(const google::protobuf::Message& message);

std::string YamlText(const nlohmann::ordered_json& value);

}  // namespace ocellus::cli
