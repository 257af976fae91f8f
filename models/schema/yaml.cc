#include "models/schema/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "models/schema/utf8.h"

namespace ocellus::schema {
namespace {

using nlohmann::json;

// Aliases may repeat a node many times over; a document of a job is far smaller than either.
constexpr int kDepthMax = 64;
constexpr int kNodesMax = 200000;

std::optional<json> AsNumber(std::string text) {
  if (!text.empty() && text[0] == '+') text.erase(0, 1);
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string::npos) return {};
  const char* end = text.data() + text.size();
  int64_t integer = 0;
  if (auto r = std::from_chars(text.data(), end, integer); r.ec == std::errc() && r.ptr == end) {
    return integer;
  }
  double number = 0;
  auto r = std::from_chars(text.data(), end, number);
  if (r.ec != std::errc() || r.ptr != end || !std::isfinite(number)) return {};
  return number;
}

json AsScalar(const std::string& text) {
  for (const char* word : {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}) {
    if (text == word) return true;
  }
  for (const char* word : {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}) {
    if (text == word) return false;
  }
  return AsNumber(text).value_or(json(text));
}

// yaml-cpp decodes the escapes \N (U+0085) and \_ (U+00A0) to one byte, which is no UTF-8; all
// else is.
std::string Text(const YAML::Node& node) {
  const std::string& decoded = node.Scalar();
  std::string out;
  for (size_t at = 0; at < decoded.size();) {
    const size_t size = Utf8CharacterBytes(std::string_view(decoded).substr(at));
    if (size == 0) out += '\xc2';
    out.append(decoded, at, size == 0 ? 1 : size);
    at += size == 0 ? 1 : size;
  }
  return out;
}

// yaml-cpp takes the end of the text for the missing quote of a scalar.
bool IsUnclosed(const std::string& text, const YAML::Node& node) {
  size_t at = node.Mark().is_null() ? text.size() : node.Mark().pos;
  if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return false;
  char quote = text[at];
  for (++at; at < text.size() && text[at] != quote; ++at) {
    if (quote == '"' && text[at] == '\\') ++at;
  }
  return at >= text.size();
}

class Converter {
 public:
  Converter(const std::string& text, Source* source, std::vector<Problem>* problems)
      : text_(text), source_(source), problems_(problems) {}

  json Value(const YAML::Node& node, const std::string& path, int depth) {
    if (too_large_) return nullptr;
    if (++nodes_ > kNodesMax || depth > kDepthMax) {
      too_large_ = true;  // nothing more is looked at: of what holds itself there is no end
      Add(node, path, "nested too deep, or repeated too often by aliases", "write it out flat");
      return nullptr;
    }
    if (node.IsMap()) return Map(node, path, depth);
    if (node.IsSequence()) return Sequence(node, path, depth);
    if (!node.IsScalar()) return nullptr;
    if (IsUnclosed(text_, node))
      Add(node, path, "the quote that opens here is not closed", "close it");
    bool plain = node.Tag() == "?" || node.Tag() == "tag:yaml.org,2002:int" ||
                 node.Tag() == "tag:yaml.org,2002:float" || node.Tag() == "tag:yaml.org,2002:bool";
    return plain ? AsScalar(Text(node)) : json(Text(node));
  }

 private:
  json Sequence(const YAML::Node& node, const std::string& path, int depth) {
    json out = json::array();
    for (const YAML::Node& element : node) {
      std::string at = path + "[" + std::to_string(out.size()) + "]";
      Mark(element, at);
      out.push_back(Value(element, at, depth + 1));
    }
    return out;
  }

  json Map(const YAML::Node& node, const std::string& path, int depth) {
    json out = json::object(), merged = json::object();
    std::map<std::string, int> lines;
    for (const auto& entry : node) {
      const YAML::Node& key = entry.first;
      const YAML::Node& value = entry.second;
      if (!key.IsScalar()) {
        Add(key, path, "a key is not plain text", "write one word before the colon");
        continue;
      }
      std::string name = Text(key);
      if (name == "<<" && key.Tag() == "?") {
        Merge(Value(value, path, depth + 1), &merged);
        continue;
      }
      std::string at = path.empty() ? name : path + "." + name;
      auto [first, is_new] = lines.emplace(name, key.Mark().line + 1);
      if (!is_new) {
        Add(key, at, "given twice, first on line " + std::to_string(first->second), "keep one");
        continue;
      }
      Mark(key, at);
      out[name] = Value(value, at, depth + 1);
    }
    for (const auto& [name, value] : merged.items()) {
      if (!out.contains(name)) out[name] = value;
    }
    return out;
  }

  // What stands in the map itself wins over what is merged into it, earlier merges over later ones.
  static void Merge(const json& value, json* merged) {
    if (value.is_array()) {
      for (const json& element : value) Merge(element, merged);
    } else if (value.is_object()) {
      for (const auto& [name, item] : value.items()) merged->emplace(name, item);
    }
  }

  void Mark(const YAML::Node& node, const std::string& path) {
    if (node.Mark().is_null()) return;
    source_->places[path] = {node.Mark().line + 1, node.Mark().column + 1};
  }

  void Add(const YAML::Node& node, const std::string& path, const std::string& message,
           const std::string& hint) {
    problems_->push_back(
        {source_->file, node.Mark().line + 1, node.Mark().column + 1, path, message, hint});
  }

  const std::string& text_;
  Source* source_;
  std::vector<Problem>* problems_;
  int nodes_ = 0;
  bool too_large_ = false;
};

Place At(const YAML::Mark& mark) {
  return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1};
}

bool Fail(const std::string& file, Place place, const std::string& message, const std::string& hint,
          std::vector<Problem>* problems) {
  problems->push_back({file, place.line, place.column, "", message, hint});
  return false;
}

// Hears where a document begins, and nothing else.
class DocumentStart : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { mark_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
  const YAML::Mark& mark() const { return mark_; }

 private:
  YAML::Mark mark_ = YAML::Mark::null_mark();
};

// Where a second document begins, or a null mark. YAML::LoadAll would do, but never ends on a stray
// comma, which yaml-cpp takes for an empty document without going past it.
YAML::Mark SecondDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStart first, second;
  bool more = parser.HandleNextDocument(first) && parser.HandleNextDocument(second);
  return more ? second.mark() : YAML::Mark::null_mark();
}

}  // namespace

bool ParseYaml(const std::string& text, Source* out, std::vector<Problem>* problems) {
  size_t before = problems->size();
  try {
    YAML::Mark second = SecondDocument(text);
    YAML::Node document = YAML::Load(text);
    if (!second.is_null()) {
      bool marked = text.compare(second.pos, 3, "---") == 0;
      return Fail(out->file, At(second), marked ? "a second document begins" : "cannot be read on",
                  marked ? "keep one document a file" : "look for a stray comma, bracket or brace",
                  problems);
    }
    if (!document.IsDefined() || document.IsNull()) {
      return Fail(out->file, {}, "the document is empty", "see `ocellus explain` for its keys",
                  problems);
    }
    out->value = Converter(text, out, problems).Value(document, "", 0);
  } catch (const YAML::Exception& e) {
    return Fail(
        out->file, At(e.mark), "not valid YAML: " + e.msg,
        "look at this line and the one before for a missing colon, quote, bracket or indent",
        problems);
  }
  return problems->size() == before;
}

}  // namespace ocellus::schema
