#include "models/schema/source.h"

#include <string_view>
#include <utility>

#include "models/schema/utf8.h"
#include "models/schema/yaml.h"

namespace ocellus::schema {
namespace {

using nlohmann::json;

bool IsUtf8Text(std::string_view text) {
  while (!text.empty()) {
    const size_t size = text[0] == 0 ? 0 : Utf8CharacterBytes(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

// Line (from 1) of the first tab that indents something, or 0.
int LineIndentedByTab(const std::string& text) {
  int line = 1;
  for (size_t start = 0; start < text.size(); ++line) {
    size_t content = text.find_first_not_of(" \t", start);
    size_t tab = text.find('\t', start);
    if (content == std::string::npos) return 0;
    bool matters = text[content] != '\n' && text[content] != '\r' && text[content] != '#';
    if (tab < content && matters) return line;
    size_t end = text.find('\n', start);
    if (end == std::string::npos) return 0;
    start = end + 1;
  }
  return 0;
}

bool Fail(const std::string& file, Place place, const std::string& message, const std::string& hint,
          std::vector<Problem>* problems) {
  problems->push_back({file, place.line, place.column, "", message, hint});
  return false;
}

}  // namespace

bool Parse(const std::string& text, const std::string& file, Source* out,
           std::vector<Problem>* problems) {
  out->file = file;
  if (text.size() > kSpecBytesMax) {
    return Fail(
        file, {},
        "the document has " + std::to_string(text.size()) + " bytes, more than the limit of 1 MiB",
        "a job names its data and weights by path; it does not hold them", problems);
  }
  if (!IsUtf8Text(text)) {
    return Fail(file, {}, "not a UTF-8 text file", "give a job document in YAML or JSON", problems);
  }
  json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_discarded() && parsed.is_structured()) {
    // YAML holds JSON, so its parser gives the places and sees a key that is given twice.
    std::vector<Problem> found;
    ParseYaml(text, out, &found);
    for (const Problem& problem : found) {
      if (!problem.path.empty()) problems->push_back(problem);
    }
    out->value = std::move(parsed);
    return problems->empty();
  }
  if (int line = LineIndentedByTab(text); line > 0) {
    problems->push_back({file, line, 1, "", "a tab indents this line", "YAML wants spaces"});
    return false;
  }
  return ParseYaml(text, out, problems);
}

}  // namespace ocellus::schema
