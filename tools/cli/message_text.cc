#include "tools/cli/message_text.h"

#include <google/protobuf/util/json_util.h>
#include <yaml-cpp/yaml.h>

namespace ocellus::cli {
namespace {

void Emit(const nlohmann::ordered_json& value, YAML::Emitter* out) {
  if (value.is_object()) {
    *out << (value.empty() ? YAML::Flow : YAML::Block) << YAML::BeginMap;
    for (const auto& [key, item] : value.items()) {
      *out << YAML::Key << key << YAML::Value;
      Emit(item, out);
    }
    *out << YAML::EndMap;
  } else if (value.is_array()) {
    const bool plain = value.empty() || value[0].is_number();
    *out << (plain ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
    for (const auto& item : value) {
      Emit(item, out);
    }
    *out << YAML::EndSeq;
  } else if (value.is_string()) {
    // Always in quotes: no text can be taken for a number or a boolean.
    *out << YAML::DoubleQuoted << value.get<std::string>();
  } else if (value.is_null()) {
    *out << YAML::Null;
  } else {
    *out << value.dump();
  }
}

}  // namespace

nlohmann::ordered_json JsonOf(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) {
    return nlohmann::ordered_json::object();
  }
  return nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
}

std::string YamlText(const nlohmann::ordered_json& value) {
  YAML::Emitter out;
  Emit(value, &out);
  return std::string(out.c_str()) + "\n";
}

}  // namespace ocellus::cli
