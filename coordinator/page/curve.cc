#include "coordinator/page/curve.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"

namespace ocellus::coordinator {

using nlohmann::json;

std::string CurveJson(const std::string& history) {
  std::vector<std::pair<int64_t, json>> records;
  json chance;
  for (const absl::string_view line : absl::StrSplit(history, '\n', absl::SkipEmpty())) {
    const json record = json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
    if (!record.is_object() || !record.contains("step") || !record["step"].is_number_integer()) {
      continue;
    }
    const json loss = record.value("loss", json());
    records.emplace_back(record["step"].get<int64_t>(), loss.is_number() ? loss : json());
    if (chance.is_null() && record.value("chance_loss", json()).is_number()) {
      chance = record["chance_loss"];
    }
  }
  json points = json::array();
  const size_t every = records.size() / kCurvePointsMax + 1;
  for (size_t i = 0; i < records.size(); ++i) {
    if (i % every == 0 || i + 1 == records.size()) {
      points.push_back({records[i].first, records[i].second});
    }
  }
  return json{{"points", points}, {"chance", chance}}.dump();
}

}  // namespace ocellus::coordinator
