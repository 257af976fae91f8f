// Documents that the tests of models/schema start from.
#pragma once

#include <string>
#include <vector>

#include "models/schema/schema.h"

namespace ocellus::schema {

// The least that a job must say.
inline constexpr char kLeastJob[] = R"(name: least
objective: {mae: {}}
model: {vit: {image_size: 64, patch_size: 8, dim: 192, depth: 2, heads: 3}}
data: {train: "/data/*.tar"}
batch: {global: 64}
optimizer: {adamw: {lr: 1e-3}}
schedule: {total_steps: 100}
)";

// The messages of a document named "job.yaml", without the file's name.
inline std::vector<std::string> Messages(const std::string& text,
                                         const std::vector<std::string>& overrides = {}) {
  Document document;
  std::vector<Problem> problems;
  std::vector<std::string> messages;
  bool ok = Load(text, "job.yaml", &document, &problems, overrides);
  if (ok != problems.empty()) messages.push_back("Load and its problems disagree");
  for (const Problem& problem : problems) {
    std::string message = problem.ToString();
    bool named = message.rfind("job.yaml:", 0) == 0;
    messages.push_back(named ? message.substr(9) : message);
  }
  return messages;
}

}  // namespace ocellus::schema
