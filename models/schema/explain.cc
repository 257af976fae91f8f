#include <algorithm>

#include "models/schema/catalog.h"
#include "models/schema/describe.h"
#include "models/schema/nearest.h"

namespace ocellus::schema {
namespace {

struct Entry {
  std::string path;
  const Schema* schema;
  std::string source;   // its own, else that of the section around it
  std::string without;  // what holds when there is no default
};

std::string Without(const Schema& section, const std::string& key) {
  for (const char* rule : {"exactly_one", "at_most_one"}) {
    if (!section.contains(rule)) continue;
    for (const auto& group : section[rule]) {
      std::vector<std::string> keys = group.get<std::vector<std::string>>();
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) continue;
      return std::string(rule == std::string("exactly_one") ? "give" : "give at most") +
             " one of " + Join(keys, "or");
    }
  }
  bool required = section.contains("required") &&
                  std::find(section["required"].begin(), section["required"].end(), key) !=
                      section["required"].end();
  return required ? "must be given" : "may be left out";
}

void Collect(const Schema& section, const std::string& path, const std::string& source,
             std::vector<Entry>* entries) {
  if (!section.contains("properties")) return;
  for (const auto& [key, property] : section["properties"].items()) {
    Entry entry{path.empty() ? key : path + "." + key, &property, property.value("source", source),
                Without(section, key)};
    entries->push_back(entry);
    Collect(property, entry.path, entry.source, entries);
  }
}

const std::vector<Entry>& Entries() {
  static const auto* entries = [] {
    auto* all = new std::vector<Entry>();
    Collect(DocumentSchema(), "", DocumentSchema().value("source", ""), all);
    return all;
  }();
  return *entries;
}

std::string Default(const Schema& schema) {
  if (schema["default"] == "") return "empty";
  return schema["default"].is_string() ? schema["default"].get<std::string>()
                                       : schema["default"].dump();
}

// The objectives under which a key of data.augment has another default, "mocov3: 0.8, clip: 0".
std::string ObjectiveDefaults(const std::string& path) {
  const std::string section = "data.augment.";
  if (path.rfind(section, 0) != 0) return "";
  std::string text;
  const Schema& methods = DocumentSchema()["properties"]["objective"]["properties"];
  for (const auto& [name, method] : methods.items()) {
    const Schema augment = method.value("augment", Schema::object());
    const auto own = augment.find(path.substr(section.size()));
    if (own == augment.end()) continue;
    text += (text.empty() ? "" : ", ") + name + ": " +
            (own->is_string() ? own->get<std::string>() : own->dump());
  }
  return text;
}

std::string Line(const std::string& label, const std::string& text) {
  return "  " + label + std::string(label.size() < 9 ? 9 - label.size() : 1, ' ') + text + "\n";
}

std::string FirstSentence(const std::string& text) {
  size_t end = text.find_first_of(".;:");
  while (end != std::string::npos && end + 1 < text.size() && text[end + 1] != ' ') {
    end = text.find_first_of(".;:", end + 1);
  }
  return text.substr(0, end);
}

std::string PresetList() { return Join(Names(Presets())); }

std::string ExplainSection(const Schema& schema, const std::string& path) {
  std::string text = "\n  keys\n";
  size_t width = schema.contains("presets") ? 6 : 0;
  for (const std::string& key : Names(schema["properties"])) width = std::max(width, key.size());
  auto row = [&](const std::string& key, const std::string& what) {
    text += "    " + key + std::string(width - key.size() + 2, ' ') + what + "\n";
  };
  for (const auto& [key, property] : schema["properties"].items()) {
    std::string what = FirstSentence(property.value("description", ""));
    bool plain = !property.contains("properties");
    if (plain && property.contains("default")) what += " [" + Default(property) + "]";
    row(key, what);
  }
  if (schema.contains("presets")) row("preset", "A model by its timm name: " + PresetList());
  for (const char* rule : {"exactly_one", "at_most_one"}) {
    if (!schema.contains(rule)) continue;
    for (const auto& group : schema[rule]) {
      text += "\n  " + std::string(rule == std::string("exactly_one") ? "exactly" : "at most") +
              " one of " + Join(group.get<std::vector<std::string>>()) + "\n";
    }
  }
  return text + "\n  More about one: ocellus explain " + (path.empty() ? "" : path + ".") + "KEY\n";
}

std::string ExplainEntry(const Entry& entry) {
  const Schema& schema = *entry.schema;
  std::string text = entry.path + "\n  " + schema.value("description", "") + "\n\n";
  text += Line("type", TypeText(schema));
  if (schema.contains("enum"))
    text += Line("one of", Join(schema["enum"].get<std::vector<std::string>>(), "or"));
  bool section = schema.contains("properties");
  bool has_default = schema.contains("default");
  if (!has_default) text += Line("default", "none: " + entry.without);
  if (has_default && !section) text += Line("default", Default(schema));
  if (std::string own = ObjectiveDefaults(entry.path); !own.empty()) text += Line("under", own);
  const Schema& limited = schema["type"] == "array" ? schema["items"] : schema;
  if (std::string range = RangeText(limited); !range.empty()) text += Line("range", range);
  if (schema.contains("pattern_says"))
    text += Line("letters", schema["pattern_says"].get<std::string>());
  if (schema.contains("examples")) text += Line("example", schema["examples"][0].dump());
  if (!entry.source.empty()) text += Line("source", entry.source);
  if (section) text += ExplainSection(schema, entry.path);
  return text;
}

std::string ExplainPresets() {
  std::string text =
      "model.preset\n  A model by its timm name. Other keys beside it override its fields.\n\n";
  for (const auto& [name, preset] : Presets().items()) {
    text += "  " + name + std::string(name.size() < 24 ? 24 - name.size() : 1, ' ') +
            preset.dump() + "\n";
  }
  return text;
}

std::string ExplainUnknown(const std::string& key_path) {
  std::vector<std::string> paths = KeyPaths(), leaves;
  std::string nearest = Nearest(key_path, paths);
  for (const std::string& path : paths) leaves.push_back(path.substr(path.rfind('.') + 1));
  if (nearest.empty()) {
    std::string leaf = Nearest(key_path.substr(key_path.rfind('.') + 1), leaves);
    auto at = std::find(leaves.begin(), leaves.end(), leaf);
    if (at != leaves.end()) nearest = paths[at - leaves.begin()];
  }
  std::string hint =
      nearest.empty() ? "`ocellus explain` lists what there is" : "did you mean " + nearest + "?";
  return "no key " + key_path + "; " + hint + "\n";
}

}  // namespace

std::vector<std::string> KeyPaths() {
  std::vector<std::string> paths;
  for (const Entry& entry : Entries()) {
    paths.push_back(entry.path);
    if (entry.schema->contains("presets")) paths.push_back(entry.path + ".preset");
  }
  return paths;
}

std::string Explain(const std::string& key_path, bool* found) {
  *found = true;
  if (key_path.empty() || key_path == "job") {
    return "The document of a job, in YAML or JSON.\n" + ExplainSection(DocumentSchema(), "");
  }
  if (key_path == "model.preset" || key_path == "preset") return ExplainPresets();
  for (const Entry& entry : Entries()) {
    if (entry.path == key_path) return ExplainEntry(entry);
  }
  std::string text, end = "." + key_path;
  for (const Entry& entry : Entries()) {
    bool ends = entry.path.size() > end.size() &&
                entry.path.compare(entry.path.size() - end.size(), end.size(), end) == 0;
    if (ends) text += (text.empty() ? "" : "\n") + ExplainEntry(entry);
  }
  *found = !text.empty();
  return *found ? text : ExplainUnknown(key_path);
}

}  // namespace ocellus::schema
