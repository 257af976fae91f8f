#include "models/schema/check.h"

#include <cmath>
#include <regex>

#include "models/schema/describe.h"
#include "models/schema/nearest.h"

namespace ocellus::schema {
namespace {

using nlohmann::json;

bool IsOf(const std::string& type, const json& value) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "number") return value.is_number();
  if (value.is_number_integer()) return true;
  return value.is_number_float() && std::abs(value.get<double>()) <= 9007199254740992.0 &&
         std::trunc(value.get<double>()) == value.get<double>();
}

class Checker {
 public:
  explicit Checker(Reporter* reporter) : reporter_(reporter) {}

  json Value(const Schema& schema, const json& value, const std::string& path) {
    if (schema.contains("methods")) return Method(schema, value, path);
    if (value.is_null() && schema["type"] == "object") return Section(schema, json::object(), path);
    std::string type;
    for (const std::string& candidate : Types(schema)) {
      if (IsOf(candidate, value)) type = candidate;
    }
    if (type.empty()) {
      WrongType(schema, value, path);
      return value;
    }
    if (type == "object") return Section(schema, value, path);
    if (type == "array") return List(schema, value, path);
    if (type == "string") {
      Text(schema, value, path);
    } else if (type != "boolean") {
      Limits(schema, value, path);
    }
    if (type == "integer" && value.is_number_float()) return value.get<int64_t>();
    return value;
  }

 private:
  json Section(const Schema& schema, const json& value, const std::string& path) {
    static const Schema* none = new Schema(Schema::object());
    const Schema& properties = schema.contains("properties") ? schema["properties"] : *none;
    json out = json::object();
    if (value.size() > schema.value("maxProperties", value.size())) {
      reporter_->Add(path, "has " + std::to_string(value.size()) + " keys",
                     "at most " + schema["maxProperties"].dump() + " are allowed");
    }
    for (const auto& [key, item] : value.items()) {
      if (properties.contains(key)) continue;
      if (schema.contains("propertyNames")) {
        Value(Merged({{"type", "string"}}, schema["propertyNames"]), key, Below(path, key));
      }
      if (schema["additionalProperties"].is_object()) {
        out[key] = Value(schema["additionalProperties"], item, Below(path, key));
      } else {
        reporter_->Add(Below(path, key), "unknown key", UnknownKeyHint(key, Names(properties)));
      }
    }
    for (const auto& [key, property] : properties.items()) {
      if (value.contains(key)) {
        out[key] = Value(property, value[key], Below(path, key));
      } else if (property.contains("default")) {
        if (!value.contains(property.value("default_unless", ""))) {
          out[key] = Value(property, json(property["default"]), Below(path, key));
        }
      } else if (Requires(schema, key)) {
        reporter_->Add(Below(path, key), "missing", "give " + TypeText(property));
      }
    }
    Alternatives(schema, value, path);
    return out;
  }

  static Schema Merged(Schema base, const Schema& more) {
    base.update(more);
    return base;
  }

  static bool Requires(const Schema& schema, const std::string& key) {
    if (!schema.contains("required")) return false;
    for (const auto& name : schema["required"]) {
      if (name == key) return true;
    }
    return false;
  }

  void Alternatives(const Schema& schema, const json& value, const std::string& path) {
    for (const char* rule : {"exactly_one", "at_most_one"}) {
      if (!schema.contains(rule)) continue;
      for (const auto& group : schema[rule]) {
        std::vector<std::string> all = group.get<std::vector<std::string>>(), given;
        for (const std::string& key : all) {
          if (value.contains(key)) given.push_back(key);
        }
        if (given.size() > 1) {
          reporter_->Add(path, Join(given) + " are both given", "keep one");
        } else if (given.empty() && rule == std::string("exactly_one")) {
          reporter_->Add(path, "needs " + Join(all, "or"), "give one of them");
        }
      }
    }
  }

  // A section whose only key is a method's name.
  json Method(const Schema& schema, const json& value, const std::string& path) {
    const Schema& methods = schema["properties"];
    std::string what = schema["methods"].get<std::string>();
    std::vector<std::string> known = Names(methods), given;
    std::string list = "known: " + Join(known);
    if (value.is_string() && methods.contains(value.get<std::string>())) {
      std::string name = value.get<std::string>();
      reporter_->Add(path, "expected a section, got " + Shown(value),
                     "write " + path + ": {" + name + ": {}}");
      return json::object();
    }
    if (!value.is_object() || value.empty()) {
      reporter_->Add(path,
                     value.is_object() || value.is_null()
                         ? "no " + what + " is named"
                         : "expected a section, got " + Shown(value),
                     list);
      return json::object();
    }
    if (schema.contains("presets") && value.contains("preset")) return Preset(schema, value, path);
    for (const auto& [key, item] : value.items()) {
      std::string home = methods.contains(key) ? "" : MethodWith(methods, key);
      if (home.empty()) {
        given.push_back(key);
      } else {
        reporter_->Add(Below(path, key), "unknown key", "it belongs under " + Below(path, home));
      }
    }
    if (given.size() > 1) {
      std::string count = given.size() == 2 ? "two" : std::to_string(given.size());
      reporter_->Add(path, count + " " + what + "s: " + Join(given), "keep one");
      for (const std::string& name : given) {
        if (methods.contains(name)) Value(methods[name], value[name], Below(path, name));
      }
      return json::object();
    }
    if (given.empty()) return json::object();
    if (!methods.contains(given[0])) {
      std::string nearest = Nearest(given[0], known);
      reporter_->Add(Below(path, given[0]), "unknown " + what,
                     (nearest.empty() ? "" : "did you mean " + nearest + "? ") + list);
      return json::object();
    }
    return {{given[0], Value(methods[given[0]], value[given[0]], Below(path, given[0]))}};
  }

  static std::string MethodWith(const Schema& methods, const std::string& key) {
    for (const auto& [name, method] : methods.items()) {
      if (method["properties"].contains(key)) return name;
    }
    return "";
  }

  json Preset(const Schema& schema, const json& value, const std::string& path) {
    std::string at = Below(path, "preset");
    std::vector<std::string> names = Names(Presets());
    if (!value["preset"].is_string() || !Presets().contains(value["preset"].get<std::string>())) {
      std::string name = value["preset"].is_string() ? value["preset"].get<std::string>() : "";
      std::string nearest = Nearest(name, names);
      reporter_->Add(
          at, "unknown preset " + Shown(value["preset"]),
          (nearest.empty() ? "" : "did you mean " + nearest + "? ") + "known: " + Join(names));
      return json::object();
    }
    const Schema& preset = Presets()[value["preset"].get<std::string>()];
    std::string architecture = preset.begin().key();
    json fields = preset.begin().value();
    for (const auto& [key, item] : value.items()) {
      if (schema["properties"].contains(key)) {
        reporter_->Add(path, "two models: preset and " + key, "keep one");
        return json::object();
      }
      if (key != "preset") fields[key] = item;
    }
    return {{architecture, Section(schema["properties"][architecture], fields, path)}};
  }

  json List(const Schema& schema, const json& value, const std::string& path) {
    size_t least = schema.value("minItems", size_t{0});
    size_t most = schema.value("maxItems", value.size());
    if (value.size() < least || value.size() > most) {
      size_t limit = value.size() < least ? least : most;
      std::string bound = least == most ? "" : value.size() < least ? "at least " : "at most ";
      reporter_->Add(path, "expected " + bound + std::to_string(limit) +
                               (limit == 1 ? " value" : " values") + ", got " +
                               std::to_string(value.size()));
      return value;
    }
    json out = json::array();
    for (size_t i = 0; i < value.size(); ++i) {
      out.push_back(Value(schema["items"], value[i], path + "[" + std::to_string(i) + "]"));
    }
    if (schema.value("ordered", false) && out[0].is_number() && out[1].is_number() &&
        out[0].get<double>() > out[1].get<double>()) {
      reporter_->Add(path, Shown(value) + " has the larger number first",
                     "give the smaller one first");
    }
    return out;
  }

  void Text(const Schema& schema, const json& value, const std::string& path) {
    const std::string& text = value.get_ref<const std::string&>();
    if (schema.contains("enum")) {
      std::vector<std::string> known = schema["enum"].get<std::vector<std::string>>();
      for (const std::string& name : known) {
        if (name == text) return;
      }
      std::string nearest = Nearest(text, known);
      reporter_->Add(path, Shown(value) + " is not known",
                     (nearest.empty() ? "" : "did you mean " + nearest + "? ") + "one of " +
                         Join(known, "or"));
      return;
    }
    if (text.size() < schema.value("minLength", size_t{0})) {
      reporter_->Add(path, "is empty", "give " + TypeText(schema));
      return;
    }
    bool too_long = text.size() > schema.value("maxLength", text.size());
    bool unfit = !too_long && schema.contains("pattern") &&
                 !std::regex_match(text, std::regex(schema["pattern"].get<std::string>()));
    if (too_long && !schema.contains("pattern")) {
      reporter_->Add(path, "has " + std::to_string(text.size()) + " bytes",
                     "at most " + schema["maxLength"].dump() + " are allowed");
    } else if (too_long || unfit) {
      reporter_->Add(path, Shown(value) + " is not allowed",
                     "use " + schema.value("pattern_says", "another text"));
    }
  }

  void Limits(const Schema& schema, const json& value, const std::string& path) {
    double number = value.get<double>();
    auto at = [&](const char* word) { return schema[word].get<double>(); };
    bool outside = (schema.contains("minimum") && number < at("minimum")) ||
                   (schema.contains("maximum") && number > at("maximum")) ||
                   (schema.contains("exclusiveMinimum") && number <= at("exclusiveMinimum")) ||
                   (schema.contains("exclusiveMaximum") && number >= at("exclusiveMaximum"));
    if (outside)
      reporter_->Add(path, Shown(value) + " is out of range",
                     "give " + TypeText(schema) + " " + RangeText(schema));
  }

  void WrongType(const Schema& schema, const json& value, const std::string& path) {
    std::string hint;
    bool wants_text = false, wants_number = false;
    for (const std::string& type : Types(schema)) {
      wants_text = wants_text || type == "string";
      wants_number = wants_number || type == "integer" || type == "number";
    }
    if (value.is_null()) hint = "give a value, or leave the key out";
    if (wants_text && (value.is_number() || value.is_boolean())) hint = "put it in quotes";
    if (wants_number && value.is_string()) hint = "write a number, without quotes";
    std::string got = value.is_object()   ? "a section"
                      : value.is_array()  ? "a list"
                      : value.is_null()   ? "nothing"
                      : value.is_string() ? "the text " + Shown(value)
                                          : Shown(value);
    reporter_->Add(path, "expected " + TypeText(schema) + ", got " + got, hint);
  }

  Reporter* reporter_;
};

}  // namespace

json Check(const Schema& schema, const json& value, const std::string& path, Reporter* reporter) {
  return Checker(reporter).Value(schema, value, path);
}

}  // namespace ocellus::schema
