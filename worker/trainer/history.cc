#include "worker/trainer/history.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

namespace ocellus::trainer {
namespace {

constexpr int64_t kRecordsMax = 10'000;

double NumberOr(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::numeric_limits<double>::quiet_NaN();
  return found->get<double>();
}

}  // namespace

History::History(int64_t total_steps, std::optional<double> chance_loss)
    : every_((total_steps + kRecordsMax - 1) / kRecordsMax), chance_loss_(chance_loss) {}

void History::Add(const HistoryRecord& record) {
  if (every_ <= 1 || record.step % every_ == 0) records_.push_back(record);
}

std::optional<double> History::MeanLossSince(int64_t step) const {
  double sum = 0;
  int64_t count = 0;
  for (auto record = records_.rbegin(); record != records_.rend() && record->step > step;
       ++record) {
    if (record->skipped || !std::isfinite(record->loss)) continue;
    sum += record->loss;
    ++count;
  }
  return count > 0 ? std::make_optional(sum / static_cast<double>(count)) : std::nullopt;
}

std::string History::ToText() const {
  std::string text;
  for (const HistoryRecord& record : records_) {
    nlohmann::ordered_json line = {{"step", record.step},
                                   {"loss", record.loss},
                                   {"lr", record.lr},
                                   {"grad_norm", record.grad_norm},
                                   {"skipped", record.skipped}};
    if (chance_loss_) line["chance_loss"] = *chance_loss_;
    text += line.dump() + "\n";
  }
  return text;
}

void History::Restore(const std::string& text, int64_t last_step) {
  records_.clear();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object() || !object.contains("step")) continue;
    const int64_t step = object.value("step", int64_t{0});
    if (step > last_step) break;
    records_.push_back({step, NumberOr(object, "loss"), NumberOr(object, "lr"),
                        NumberOr(object, "grad_norm"), object.value("skipped", false)});
  }
}

}  // namespace ocellus::trainer
