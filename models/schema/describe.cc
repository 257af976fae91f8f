#include "models/schema/describe.h"

#include "models/schema/nearest.h"

namespace ocellus::schema {
namespace {

using nlohmann::json;

constexpr size_t kShownMax = 48;   // letters of a value in a message
constexpr size_t kListedMax = 16;  // names in a hint

// Where else a key stands: for "mask_ratio" given at the top, "objective.mae".
void FindHomes(const Schema& schema, const std::string& path, const std::string& key,
               std::vector<std::string>* homes) {
  if (!schema.contains("properties")) return;
  for (const auto& [name, property] : schema["properties"].items()) {
    if (name == key && !path.empty()) homes->push_back(path);
    FindHomes(property, Below(path, name), key, homes);
  }
}

}  // namespace

std::string Shown(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() <= kShownMax ? text : text.substr(0, kShownMax) + "...";
}

std::string Below(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

std::vector<std::string> Types(const Schema& schema) {
  if (!schema["type"].is_array()) return {schema["type"].get<std::string>()};
  return schema["type"].get<std::vector<std::string>>();
}

std::string UnknownKeyHint(const std::string& key, const std::vector<std::string>& known) {
  if (std::string nearest = Nearest(key, known); !nearest.empty()) {
    return "did you mean " + nearest + "?";
  }
  std::vector<std::string> homes;
  FindHomes(DocumentSchema(), "", key, &homes);
  if (homes.size() == 1) return "it belongs under " + homes[0];
  if (known.size() <= kListedMax) return "known here: " + Join(known);
  return "see `ocellus explain`";
}

std::string TypeText(const Schema& schema) {
  std::vector<std::string> texts;
  for (const std::string& type : Types(schema)) {
    texts.push_back(type == "object"    ? "a section"
                    : type == "array"   ? "a list"
                    : type == "string"  ? "text"
                    : type == "boolean" ? "true or false"
                    : type == "integer" ? "an integer"
                                        : "a number");
  }
  return Join(texts, "or");
}

std::string RangeText(const Schema& schema) {
  auto text = [&](const char* word) { return schema[word].dump(); };
  if (schema.contains("minimum") && schema.contains("maximum")) {
    return "from " + text("minimum") + " to " + text("maximum");
  }
  std::vector<std::string> parts;
  if (schema.contains("minimum")) parts.push_back("at least " + text("minimum"));
  if (schema.contains("exclusiveMinimum")) parts.push_back("above " + text("exclusiveMinimum"));
  if (schema.contains("maximum")) parts.push_back("at most " + text("maximum"));
  if (schema.contains("exclusiveMaximum")) parts.push_back("below " + text("exclusiveMaximum"));
  return Join(parts);
}

}  // namespace ocellus::schema
