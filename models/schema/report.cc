#include "models/schema/report.h"

#include <algorithm>
#include <climits>

namespace ocellus::schema {
namespace {

// "a.b[1]" -> "a.b" -> "a" -> "".
std::string Parent(const std::string& path) {
  size_t end = path.find_last_of(".[");
  return end == std::string::npos ? "" : path.substr(0, end);
}

}  // namespace

std::string Problem::ToString() const {
  std::string text = file;
  if (line > 0) text += (text.empty() ? "line " : ":") + std::to_string(line);
  if (!text.empty()) text += ": ";
  if (!path.empty()) text += path + ": ";
  text += message;
  if (!hint.empty()) text += "; " + hint;
  return text;
}

void Reporter::Add(const std::string& path, const std::string& message, const std::string& hint) {
  if (++count_ > kProblemsMax) return;
  Problem problem{source_->file, 0, 0, path, message, hint};
  for (std::string at = path; !at.empty(); at = Parent(at)) {
    if (source_->overridden.count(at) > 0) {
      problem.file = "--set";
      break;
    }
    if (auto place = source_->places.find(at); place != source_->places.end()) {
      problem.line = place->second.line;
      problem.column = place->second.column;
      break;
    }
  }
  problems_->push_back(problem);
}

bool Reporter::Finish() {
  auto line = [](const Problem& problem) { return problem.line > 0 ? problem.line : INT_MAX; };
  std::stable_sort(problems_->begin(), problems_->end(),
                   [&](const Problem& a, const Problem& b) { return line(a) < line(b); });
  if (count_ > kProblemsMax) {
    problems_->push_back({source_->file, 0, 0, "",
                          std::to_string(count_ - kProblemsMax) + " more problems are not shown",
                          "correct these first"});
  }
  return count_ == 0;
}

}  // namespace ocellus::schema
