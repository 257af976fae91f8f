// Where problems are gathered, each with the place of its key.
#pragma once

#include <string>
#include <vector>

#include "models/schema/source.h"

namespace ocellus::schema {

// Problems beyond this many are counted, not told.
inline constexpr int kProblemsMax = 50;

class Reporter {
 public:
  // Both must outlive the reporter.
  Reporter(const Source* source, std::vector<Problem>* problems)
      : source_(source), problems_(problems) {}

  // `path` takes the place of the nearest key above it that has one.
  void Add(const std::string& path, const std::string& message, const std::string& hint = "");

  // Sorts by line, and adds the one that says how many were left out. True when there was no
  // problem.
  bool Finish();

 private:
  const Source* source_;
  std::vector<Problem>* problems_;
  int count_ = 0;
};

}  // namespace ocellus::schema
