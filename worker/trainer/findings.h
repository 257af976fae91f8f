// What an evaluation found, and how it is written down.
#pragma once

#include <array>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "worker/trainer/feature_health.h"

namespace ocellus::trainer {

// Share of images, or captions, whose partner is among the first 1, 5 and 10 found.
using Recall = std::array<double, 3>;
inline constexpr std::array<int64_t, 3> kRecallAt = {1, 5, 10};

struct Retrieval {
  Recall image_to_text{};
  Recall text_to_image{};
};

struct ZeroShot {
  double top1 = 0;
  double top5 = 0;
};

// What does not apply (no labels, no text tower, turned off) is absent.
struct Findings {
  std::optional<double> knn;    // share of queries classified right
  std::optional<double> probe;  // the same by a linear classifier
  std::optional<FeatureHealth> health;
  std::optional<ZeroShot> zero_shot;
  std::optional<Retrieval> retrieval;
};

// The keys of evaluation.json (docs/USAGE.md).
nlohmann::ordered_json ToJson(const Findings& findings);

// Calls tell(name, value) for each finding under its name as a metric (FORMAT.md); `suffix` is
// "", "_init" or "_pixels".
void EachMetric(const Findings& findings, const std::string& suffix,
                const std::function<void(const std::string&, double)>& tell);

// The findings in one line of a log; empty when there are none.
std::string FindingsLine(const Findings& findings);

// A table for people of an evaluation.json: trained, random and raw pixels side by side.
std::string FindingsTable(const nlohmann::ordered_json& evaluation);

}  // namespace ocellus::trainer
