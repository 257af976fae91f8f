#include "worker/trainer/model_card.h"

#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>
#include <vector>

#include "worker/trainer/findings.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

using nlohmann::json;

constexpr size_t kCurveRows = 12;

std::string TableRow(const std::string& name, const std::string& value) {
  return "| " + name + " | " + value + " |\n";
}

// In a cell of a table.
std::string CellText(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
    text.insert(at, 1, '\\');
  }
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string CodeText(const std::string& text) { return "`" + CellText(text) + "`"; }

std::string MethodOf(const json& document, const char* section) {
  const auto found = document.find(section);
  const bool one = found != document.end() && found->is_object() && !found->empty();
  return one ? found->begin().key() : "unknown";
}

std::string SummarySection(const CardFacts& facts) {
  std::string text = "| | |\n|---|---|\n";
  text += TableRow(
      "file", CodeText(facts.file) + ", " + std::to_string(facts.bytes) + " bytes, " +
                  (facts.full ? "all weights under the method's own names" : "the encoder alone"));
  text += TableRow("SHA-256", CodeText(facts.sha256));
  text += TableRow("method", MethodOf(facts.document, "objective"));
  text += TableRow("model", CodeText(facts.document.value("model", json::object()).dump()));
  text += TableRow("trained", std::to_string(facts.step) + " steps, " +
                                  std::to_string(facts.samples) + " samples");
  text += TableRow("job",
                   CellText(facts.job) + (facts.name.empty() ? "" : ", " + CellText(facts.name)) +
                       (facts.project.empty() ? "" : ", project " + CellText(facts.project)));
  return text;
}

std::string DataSection(const CardFacts& facts) {
  const json data = facts.document.value("data", json::object());
  std::string text = "\n## Data\n\n| | |\n|---|---|\n";
  const auto sources = [&](const char* key) {
    const json value = data.value(key, json());
    if (value.is_string()) return value == "" ? std::string("none") : CodeText(value);
    return CodeText(value.dump());
  };
  text += TableRow("train", sources("train"));
  if (facts.data_samples > 0) text += TableRow("samples", std::to_string(facts.data_samples));
  text += TableRow("val", sources("val"));
  return text;
}

std::string NumberOf(const json& record, const char* key) {
  const auto found = record.find(key);
  if (found == record.end() || !found->is_number()) return "-";
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", found->get<double>());
  return text;
}

// Some steps of the curve, evenly spread, with the first and the last.
std::string CurveSection(const CardFacts& facts) {
  std::vector<json> records;
  std::istringstream lines(facts.history);
  for (std::string line; std::getline(lines, line);) {
    json record = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (record.is_object() && record.contains("step")) records.push_back(std::move(record));
  }
  std::string text = "\n## Curve\n\n";
  if (records.empty()) return text + "No history is kept with this checkpoint.\n";
  text += "`loss.svg` and `history.jsonl` among the job's artifacts have every step.\n\n";
  text += "| step | loss | learning rate | gradient norm |\n|---|---|---|---|\n";
  const size_t rows = std::min(kCurveRows, records.size());
  for (size_t i = 0; i < rows; ++i) {
    const json& record = records[rows == 1 ? 0 : i * (records.size() - 1) / (rows - 1)];
    text += "| " + record["step"].dump() + " | " + NumberOf(record, "loss") + " | " +
            NumberOf(record, "lr") + " | " + NumberOf(record, "grad_norm") + " |\n";
  }
  return text;
}

std::string EvaluationSection(const CardFacts& facts) {
  const auto found =
      nlohmann::ordered_json::parse(facts.evaluation, nullptr, /*allow_exceptions=*/false);
  const std::string table = found.is_object() ? FindingsTable(found) : "";
  std::string text = "\n## Evaluation\n\n";
  if (table.empty()) return text + "Not measured by the job.\n";
  const int64_t step = found.value("step", int64_t{-1});
  text += "After step " + std::to_string(step) +
          (step == facts.step ? "" : ", which is not the step of these weights") +
          ", beside random weights and raw pixels:\n\n```\n";
  return text + table + "```\n";
}

std::string LoadingSection(const CardFacts& facts) {
  std::string text = "\n## How to load it\n\nsafetensors; its metadata:\n\n";
  for (const auto& [key, value] : facts.metadata) {
    text += "* " + CodeText(key) + ": " + CodeText(value) + "\n";
  }
  return text;
}

std::string SoftwareSection(const CardFacts& facts) {
  return "\n## Software\n\n| | |\n|---|---|\n" +
         TableRow("trained by", "Ocellus " + facts.trainer) +
         TableRow("written by", "Ocellus " OCELLUS_VERSION) + TableRow("LibTorch", TORCH_VERSION) +
         TableRow("compiler", "g++ " __VERSION__);
}

}  // namespace

std::string ModelCard(const CardFacts& facts) {
  return "# " + (facts.name.empty() ? facts.job : facts.name) + "\n\n" + SummarySection(facts) +
         DataSection(facts) + CurveSection(facts) + EvaluationSection(facts) +
         LoadingSection(facts) + SoftwareSection(facts) +
         "\n## Recipe\n\nThe resolved document: with it as a job's document the same run can be "
         "made again.\n\n```json\n" +
         facts.document.dump(2) + "\n```\n";
}

void AddArtifacts(store::ObjectStore& store, const std::string& prefix, CardFacts* facts) {
  const auto read = [&](const char* name) {
    const std::string key = prefix + "artifacts/" + name;
    return store.Head(key) ? store.Get(key) : std::string();
  };
  facts->history = read("history.jsonl");
  facts->evaluation = read("evaluation.json");
}

}  // namespace ocellus::trainer
