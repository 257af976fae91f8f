#include "worker/agent/evaluation_series.h"

#include <map>

namespace ocellus::agent {
namespace {

namespace metric = coordinator::metric;
using coordinator::Metric;
using Labels = coordinator::Metrics::Labels;

struct Series {
  const Metric* of;
  Labels labels;
};

void AddEncoders(const std::string& name, const Metric* series, const Labels& labels,
                 std::map<std::string, Series>* all) {
  const std::map<std::string, std::string> encoders = {
      {"", "trained"}, {"_init", "initial"}, {"_pixels", "pixels"}};
  for (const auto& [suffix, encoder] : encoders) {
    Labels with = labels;
    with["encoder"] = encoder;
    all->emplace(name + suffix, Series{series, with});
  }
}

std::map<std::string, Series> MakeAll() {
  std::map<std::string, Series> all = {
      {"feature_std", {&metric::kTrainFeatureStd, {}}},
      {"feature_std_relative", {&metric::kTrainFeatureStdRatio, {}}},
      {"effective_rank", {&metric::kTrainEffectiveRank, {}}},
      {"collapsed", {&metric::kTrainCollapsed, {}}},
      {"checkpoint_interval_s", {&metric::kCheckpointInterval, {}}}};
  AddEncoders("knn_accuracy", &metric::kTrainKnnAccuracy, {}, &all);
  AddEncoders("probe_accuracy", &metric::kTrainProbeAccuracy, {}, &all);
  for (const char* k : {"1", "5"}) {
    AddEncoders(std::string("zero_shot_top") + k, &metric::kTrainZeroShotAccuracy, {{"k", k}},
                &all);
  }
  for (const char* direction : {"image_to_text", "text_to_image"}) {
    for (const char* k : {"1", "5", "10"}) {
      all.emplace(std::string("recall_") + direction + "_" + k,
                  Series{&metric::kTrainRecall, {{"direction", direction}, {"k", k}}});
    }
  }
  return all;
}

}  // namespace

const Metric* EvaluationSeries(const std::string& name, Labels* labels) {
  static const auto* all = new std::map<std::string, Series>(MakeAll());
  const auto found = all->find(name);
  if (found == all->end()) return nullptr;
  *labels = found->second.labels;
  return found->second.of;
}

}  // namespace ocellus::agent
