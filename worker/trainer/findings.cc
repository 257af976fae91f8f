#include "worker/trainer/findings.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace ocellus::trainer {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const Recall& recall) {
  Json object;
  for (size_t i = 0; i < kRecallAt.size(); ++i) {
    object["r" + std::to_string(kRecallAt[i])] = recall[i];
  }
  return object;
}

Json ToJson(const FeatureHealth& health) {
  Json object = {{"dim", health.dim}, {"samples", health.samples}, {"finite", health.finite}};
  if (!health.finite) return object;
  object["std"] = health.std;
  object["std_relative"] = health.relative_std();
  object["effective_rank"] = health.effective_rank;
  return object;
}

struct Row {
  const char* title;
  const char* pointer;
  bool is_share;
};

constexpr Row kRows[] = {{"kNN top-1", "/knn", true},
                         {"linear probe top-1", "/probe", true},
                         {"zero-shot top-1", "/zero_shot/top1", true},
                         {"zero-shot top-5", "/zero_shot/top5", true},
                         {"image to text R@1", "/retrieval/image_to_text/r1", true},
                         {"image to text R@5", "/retrieval/image_to_text/r5", true},
                         {"image to text R@10", "/retrieval/image_to_text/r10", true},
                         {"text to image R@1", "/retrieval/text_to_image/r1", true},
                         {"text to image R@5", "/retrieval/text_to_image/r5", true},
                         {"text to image R@10", "/retrieval/text_to_image/r10", true},
                         {"feature std (1 is healthy)", "/features/std_relative", false},
                         {"effective rank", "/features/effective_rank", false},
                         {"features", "/features/dim", false}};
constexpr const char* kColumns[] = {"trained", "random", "pixels"};

std::string Cell(const Json& column, const Row& row) {
  const Json::json_pointer pointer(row.pointer);
  if (!column.contains(pointer) || !column.at(pointer).is_number()) return "-";
  char text[32];
  const auto value = column.at(pointer).get<double>();
  std::snprintf(text, sizeof(text), row.is_share ? "%.1f %%" : "%.4g",
                row.is_share ? 100 * value : value);
  return text;
}

std::string Line(const std::string& title, const std::vector<std::string>& cells) {
  char text[64];
  std::snprintf(text, sizeof(text), "%-28s", title.c_str());
  std::string line = text;
  for (const std::string& cell : cells) {
    std::snprintf(text, sizeof(text), "%12s", cell.c_str());
    line += text;
  }
  return line + "\n";
}

}  // namespace

Json ToJson(const Findings& findings) {
  Json object = Json::object();
  if (findings.knn) object["knn"] = *findings.knn;
  if (findings.probe) object["probe"] = *findings.probe;
  if (findings.zero_shot) {
    object["zero_shot"] = {{"top1", findings.zero_shot->top1}, {"top5", findings.zero_shot->top5}};
  }
  if (findings.retrieval) {
    object["retrieval"] = {{"image_to_text", ToJson(findings.retrieval->image_to_text)},
                           {"text_to_image", ToJson(findings.retrieval->text_to_image)}};
  }
  if (findings.health) object["features"] = ToJson(*findings.health);
  return object;
}

void EachMetric(const Findings& findings, const std::string& suffix,
                const std::function<void(const std::string&, double)>& tell) {
  if (findings.knn) tell("knn_accuracy" + suffix, *findings.knn);
  if (findings.probe) tell("probe_accuracy" + suffix, *findings.probe);
  if (findings.zero_shot) {
    tell("zero_shot_top1" + suffix, findings.zero_shot->top1);
    tell("zero_shot_top5" + suffix, findings.zero_shot->top5);
  }
  if (!suffix.empty()) return;
  if (findings.health && findings.health->finite) {
    tell("feature_std", findings.health->std);
    tell("feature_std_relative", findings.health->relative_std());
    tell("effective_rank", findings.health->effective_rank);
  }
  for (size_t i = 0; findings.retrieval && i < kRecallAt.size(); ++i) {
    const std::string at = std::to_string(kRecallAt[i]);
    tell("recall_image_to_text_" + at, findings.retrieval->image_to_text[i]);
    tell("recall_text_to_image_" + at, findings.retrieval->text_to_image[i]);
  }
}

std::string FindingsLine(const Findings& findings) {
  const Json column = ToJson(findings);
  std::string line;
  for (const Row& row : kRows) {
    const std::string cell = Cell(column, row);
    if (cell != "-") line += (line.empty() ? "" : ", ") + std::string(row.title) + " " + cell;
  }
  return line;
}

std::string FindingsTable(const Json& evaluation) {
  std::vector<std::string> columns;
  for (const char* column : kColumns) {
    if (evaluation.contains(column)) columns.emplace_back(column);
  }
  std::string table = Line("", columns);
  for (const Row& row : kRows) {
    std::vector<std::string> cells;
    bool any = false;
    for (const std::string& column : columns) {
      cells.push_back(Cell(evaluation.at(column), row));
      any = any || cells.back() != "-";
    }
    if (any) table += Line(row.title, cells);
  }
  return table;
}

}  // namespace ocellus::trainer
