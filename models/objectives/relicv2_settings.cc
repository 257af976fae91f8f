#include <nlohmann/json.hpp>

#include "models/objectives/relicv2_network.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

constexpr int64_t kPairsMax = 1 << 16;  // what the key of a negative's draw can tell apart

[[noreturn]] void ThrowBadRelicv2(const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", message,
                    "see `ocellus explain objective.relicv2`");
}

ops::RelicDivergence Divergence(const std::string& name) {
  if (name == "listing") return ops::RelicDivergence::kListing;
  if (name == "full") return ops::RelicDivergence::kFull;
  if (name == "soft_label") return ops::RelicDivergence::kSoftLabel;
  ThrowBadRelicv2("objective.relicv2.divergence: '" + name +
                  "' is none of listing, full, soft_label");
}

void Check(const Relicv2Settings& settings) {
  if (!(settings.temperature > 0)) {
    ThrowBadRelicv2("objective.relicv2.temperature: " + std::to_string(settings.temperature) +
                    " is not above 0");
  }
  const int64_t views = settings.large_views + settings.small_views;
  if (views == 1 && !settings.include_self_pairs) {
    ThrowBadRelicv2("objective.relicv2.include_self_pairs: one view alone has no other pair");
  }
  if (settings.large_views == 1 && !settings.include_self_pairs && !settings.small_divergence) {
    ThrowBadRelicv2("objective.relicv2.small_divergence: no other pair is left for the divergence");
  }
  if (views * settings.large_views > kPairsMax) {
    ThrowBadRelicv2("objective.relicv2.large_views: more than " + std::to_string(kPairsMax) +
                    " pairs of views");
  }
}

Relicv2Settings ReadRelicv2(const nlohmann::json& relic) {
  return {.temperature = relic.at("temperature").get<double>(),
          .alpha = relic.at("alpha").get<double>(),
          .beta = relic.at("beta").get<double>(),
          .momentum = nn::ParseMomentumSchedule(relic, "objective.relicv2"),
          .large_views = relic.at("large_views").get<int64_t>(),
          .small_views = relic.at("small_views").get<int64_t>(),
          .small_size = relic.at("small_size").get<int64_t>(),
          .include_self_pairs = relic.at("include_self_pairs").get<bool>(),
          .divergence = Divergence(relic.at("divergence").get<std::string>()),
          .small_divergence = relic.at("small_divergence").get<bool>(),
          .num_negatives = relic.at("num_negatives").get<int64_t>(),
          .proj_dim = relic.at("proj_dim").get<int64_t>(),
          .mlp_dim = relic.at("mlp_dim").get<int64_t>(),
          .predictor = relic.at("predictor").get<bool>()};
}

}  // namespace

Relicv2Settings ParseRelicv2Settings(const nlohmann::json& document) {
  Relicv2Settings settings;
  try {
    settings = ReadRelicv2(document.at("objective").at("relicv2"));
  } catch (const nlohmann::json::exception& error) {
    ThrowBadRelicv2(std::string("objective.relicv2: ") + error.what());
  }
  Check(settings);
  return settings;
}

}  // namespace ocellus::models::objectives
