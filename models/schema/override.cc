#include <iterator>

#include "models/schema/source.h"

namespace ocellus::schema {
namespace {

using nlohmann::json;

bool IsKeyPath(const std::string& path) {
  return !path.empty() && path.front() != '.' && path.back() != '.' &&
         path.find("..") == std::string::npos;
}

// The object that holds the last key of `path`; sections on the way are made.
json* Holder(const std::string& path, json* root, std::string* last) {
  json* node = root;
  size_t start = 0;
  for (size_t dot; (dot = path.find('.', start)) != std::string::npos; start = dot + 1) {
    if (!node->is_object()) *node = json::object();
    node = &(*node)[path.substr(start, dot - start)];
  }
  if (!node->is_object()) *node = json::object();
  *last = path.substr(start);
  return node;
}

}  // namespace

bool Override(const std::string& assignment, Source* source, std::vector<Problem>* problems) {
  size_t equals = assignment.find('=');
  std::string path = assignment.substr(0, equals);
  if (equals == std::string::npos || !IsKeyPath(path)) {
    problems->push_back({"--set", 0, 0, "", "\"" + assignment + "\" is not KEY=VALUE",
                         "for example --set schedule.total_steps=1000"});
    return false;
  }
  std::string text = assignment.substr(equals + 1), key;
  if (text == "null" || text == "~") {
    Holder(path, &source->value, &key)->erase(key);
    return true;
  }
  Source value;
  std::vector<Problem> found;
  if (text.find_first_not_of(" \t\n") == std::string::npos) {
    value.value = "";
  } else if (!Parse(text, "--set", &value, &found)) {
    problems->push_back({"--set", 0, 0, path, found[0].message, "give a YAML value"});
    return false;
  }
  for (auto at = source->places.begin(); at != source->places.end();) {
    bool replaced = at->first == path || at->first.rfind(path + ".", 0) == 0 ||
                    at->first.rfind(path + "[", 0) == 0;
    at = replaced ? source->places.erase(at) : std::next(at);
  }
  json* holder = Holder(path, &source->value, &key);
  (*holder)[key] = std::move(value.value);
  source->overridden.insert(path);
  return true;
}

}  // namespace ocellus::schema
