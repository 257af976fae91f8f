#include "models/nn/ema.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <stdexcept>

#include "models/ops/step_numbers.h"
#include "worker/wire/fault.h"

namespace ocellus::models::nn {
namespace {

[[noreturn]] void ThrowBadSpec(const std::string& path, const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", path + message,
                    "see `ocellus explain " + path + "`");
}

}  // namespace

double MomentumSchedule::At(int64_t step, int64_t total_steps) const {
  if (!cosine) return momentum;
  const double progress = static_cast<double>(step) / static_cast<double>(total_steps);
  return 1.0 - (1.0 - momentum) * (1.0 + std::cos(std::numbers::pi * progress)) / 2.0;
}

MomentumSchedule ParseMomentumSchedule(const nlohmann::json& section, const std::string& path) {
  MomentumSchedule schedule;
  std::string kind;
  try {
    schedule.momentum = section.at("momentum").get<double>();
    kind = section.at("momentum_schedule").get<std::string>();
  } catch (const nlohmann::json::exception& error) {
    ThrowBadSpec(path, std::string(": ") + error.what());
  }
  if (!(schedule.momentum >= 0 && schedule.momentum <= 1)) {
    ThrowBadSpec(path, ".momentum: must be from 0 to 1");
  }
  if (kind != "constant" && kind != "cosine") {
    ThrowBadSpec(path, ".momentum_schedule: '" + kind + "' is neither constant nor cosine");
  }
  schedule.cosine = kind == "cosine";
  return schedule;
}

void Ema::Add(const torch::nn::Module& source, torch::nn::Module& copy) {
  const auto sources = source.named_parameters(), copies = copy.named_parameters();
  if (sources.size() != copies.size()) {
    throw std::logic_error("a moving average of another network");
  }
  for (const auto& item : sources) {
    const torch::Tensor* own = copies.find(item.key());
    if (own == nullptr || own->sizes() != item.value().sizes()) {
      throw std::logic_error("no parameter to average " + item.key() + " in");
    }
    sources_.push_back(item.value());
    copies_.push_back(*own);
    copies_.back().set_requires_grad(false);
  }
}

void Ema::Copy() {
  const torch::NoGradGuard no_grad;
  at::_foreach_copy_(copies_, sources_);
}

void Ema::Update(double momentum, const torch::Tensor& numbers) {
  ops::MoveAverages(copies_, sources_, momentum, numbers);
}

std::map<std::string, torch::Tensor> Ema::HandOver(const torch::nn::Module& root) {
  std::map<std::string, torch::Tensor> trained;
  for (const auto& item : root.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    const auto same = [&](const torch::Tensor& source) { return source.is_same(item.value()); };
    const auto at = std::find_if(sources_.begin(), sources_.end(), same);
    if (at == sources_.end()) continue;
    const auto copy = copies_.begin() + (at - sources_.begin());
    trained[item.key()] = *copy;
    sources_.erase(at);
    copies_.erase(copy);
  }
  return trained;
}

}  // namespace ocellus::models::nn
