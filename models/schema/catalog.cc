#include "models/schema/catalog.h"

#include <cstdlib>
#include <map>

namespace ocellus::schema {
namespace {

// A file that is not JSON is a mistake of the build, found by any test.
std::map<std::string, Schema> ParseFiles() {
  std::map<std::string, Schema> files;
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    Schema parsed = Schema::parse(file.text, nullptr, /*allow_exceptions=*/false);
    if (parsed.is_discarded()) std::abort();
    files.emplace(file.name, std::move(parsed));
  }
  return files;
}

const std::map<std::string, Schema>& Files() {
  static const auto* files = new std::map<std::string, Schema>(ParseFiles());
  return *files;
}

// "objective" gives mae -> the file objective.mae, but not objective.mae.decoder.
Schema Methods(const std::string& prefix) {
  Schema methods = Schema::object();
  for (const auto& [name, file] : Files()) {
    if (name.rfind(prefix + ".", 0) != 0) continue;
    std::string method = name.substr(prefix.size() + 1);
    if (method.find('.') == std::string::npos) methods[method] = file;
  }
  return methods;
}

// Where a key may hold its siblings again, by name: what such an override looks like. No defaults:
// what it leaves out holds as it is.
void AllowOverrides(Schema* properties) {
  Schema siblings = Schema::object();
  for (const auto& [key, property] : properties->items()) {
    if (property.contains("overrides_siblings")) continue;
    siblings[key] = property;
    siblings[key].erase("default");
  }
  for (auto& [key, property] : properties->items()) {
    if (!property.contains("overrides_siblings")) continue;
    property["additionalProperties"] = {
        {"type", "object"}, {"properties", siblings}, {"additionalProperties", false}};
  }
}

// Replaces references by the files that they name; words beside "$ref" stay.
Schema Inline(const Schema& node) {
  Schema out = node;
  if (node.contains("$ref")) {
    std::string name = node["$ref"].get<std::string>();
    out = Files().at(name.substr(0, name.size() - 5));
    for (const auto& [key, value] : node.items()) {
      if (key != "$ref") out[key] = value;
    }
  }
  if (out.contains("methods")) out["properties"] = Methods(out["methods"].get<std::string>());
  if (!out.contains("properties")) return out;
  for (auto& [key, value] : out["properties"].items()) value = Inline(value);
  AllowOverrides(&out["properties"]);
  if (!out.contains("additionalProperties")) out["additionalProperties"] = false;
  return out;
}

Schema Training(Use use) {
  Schema schema = Inline(Files().at("training"));
  schema["required"] = {"objective", "model", "optimizer", "schedule"};
  if (use == Use::kJob) {
    schema["required"].push_back("data");
    schema["required"].push_back("batch");
    return schema;
  }
  schema["properties"]["precision"]["default"] = "fp32";
  schema["properties"]["batch"]["default"] = Schema::object();
  schema["properties"]["batch"].erase("required");
  return schema;
}

Schema WholeDocument() {
  Schema schema = SchedulingSchema();
  const Schema& training = TrainingSchema(Use::kJob);
  schema["$schema"] = "http://json-schema.org/draft-07/schema#";
  schema["title"] = "Ocellus job";
  schema["description"] = "A pretraining job: what to train, on what, and how to keep it running.";
  for (const auto& name : training["required"]) schema["required"].push_back(name);
  for (const auto& [key, value] : training["properties"].items()) schema["properties"][key] = value;
  return schema;
}

}  // namespace

const Schema& TrainingSchema(Use use) {
  static const auto* job = new Schema(Training(Use::kJob));
  static const auto* replay = new Schema(Training(Use::kReplay));
  return use == Use::kJob ? *job : *replay;
}

const Schema& SchedulingSchema() {
  static const auto* schema = new Schema(Inline(Files().at("job")));
  return *schema;
}

const Schema& DocumentSchema() {
  static const auto* schema = new Schema(WholeDocument());
  return *schema;
}

const Schema& Presets() { return Files().at("model_presets"); }

std::vector<std::string> Names(const Schema& properties) {
  std::vector<std::string> names;
  for (const auto& [key, value] : properties.items()) names.push_back(key);
  return names;
}

}  // namespace ocellus::schema
