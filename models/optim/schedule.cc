#include "models/optim/schedule.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "worker/wire/fault.h"

namespace ocellus::models::optim {
namespace {

[[noreturn]] void ThrowBadSchedule(const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", message, "see `ocellus explain schedule`");
}

Schedule::Kind ParseKind(const std::string& kind) {
  if (kind == "constant") return Schedule::Kind::kConstant;
  if (kind == "cosine") return Schedule::Kind::kCosine;
  ThrowBadSchedule("schedule.kind: '" + kind + "' is neither constant nor cosine");
}

}  // namespace

double Schedule::Rate(int64_t step) const {
  const double i = static_cast<double>(step), warmup = static_cast<double>(warmup_steps);
  if (step < warmup_steps) return peak * (i + static_cast<double>(warmup_offset)) / warmup;
  if (kind == Kind::kConstant) return peak;
  // A run that is all warm-up ends where the cosine would.
  if (total_steps <= warmup_steps) return min_rate;
  const double progress = (i - warmup) / (static_cast<double>(total_steps) - warmup);
  return min_rate + (peak - min_rate) * (1.0 + std::cos(std::numbers::pi * progress)) / 2.0;
}

Schedule MakeSchedule(const nlohmann::json& section, double peak) {
  try {
    return {.kind = ParseKind(section.at("kind").get<std::string>()),
            .peak = peak,
            .min_rate = section.at("min_lr").get<double>(),
            .warmup_steps = section.at("warmup_steps").get<int64_t>(),
            .total_steps = section.at("total_steps").get<int64_t>(),
            .warmup_offset = section.at("warmup_offset").get<int64_t>()};
  } catch (const nlohmann::json::exception& error) {
    ThrowBadSchedule(std::string("schedule: ") + error.what());
  }
}

}  // namespace ocellus::models::optim
