#include "worker/agent/evaluation_series.h"

#include <map>

namespace ocellus::agent {
namespace {

using coordinator::Metric;
using Labels = coordinator::Metrics::Labels;

const Metric kKnnAccuracy{"ocellus_train_knn_accuracy",
                          "kNN accuracy (0 to 1) of the encoder: trained, or initial or raw pixels "
                          "for comparison."};
const Metric kProbeAccuracy{"ocellus_train_probe_accuracy",
                            "Linear probe accuracy (0 to 1) of the encoder: trained, or initial or "
                            "raw pixels for comparison."};
const Metric kZeroShotAccuracy{"ocellus_train_zero_shot_accuracy",
                               "Share of images whose class is among the best given its name."};
const Metric kRecall{"ocellus_train_retrieval_recall",
                     "Share of pairs whose partner is among the first k found."};
const Metric kFeatureStd{"ocellus_train_feature_std",
                         "Mean standard deviation of a feature of length 1."};
const Metric kFeatureStdRatio{"ocellus_train_feature_std_ratio",
                              "The same over the healthy 1/sqrt(dim); 0 is a collapse."};
const Metric kEffectiveRank{"ocellus_train_effective_rank",
                            "Directions that features use: exp of their singular values' entropy."};

struct Series {
  const Metric* metric;
  Labels labels;
};

void AddEncoders(const std::string& name, const Metric* metric, const Labels& labels,
                 std::map<std::string, Series>* all) {
  const std::map<std::string, std::string> encoders = {
      {"", "trained"}, {"_init", "initial"}, {"_pixels", "pixels"}};
  for (const auto& [suffix, encoder] : encoders) {
    Labels with = labels;
    with["encoder"] = encoder;
    all->emplace(name + suffix, Series{metric, with});
  }
}

std::map<std::string, Series> MakeAll() {
  std::map<std::string, Series> all = {
      {"feature_std", {&kFeatureStd, {}}},
      {"feature_std_relative", {&kFeatureStdRatio, {}}},
      {"effective_rank", {&kEffectiveRank, {}}},
      {"collapsed", {&kCollapsed, {}}},
      {"checkpoint_interval_s", {&coordinator::metric::kCheckpointInterval, {}}}};
  AddEncoders("knn_accuracy", &kKnnAccuracy, {}, &all);
  AddEncoders("probe_accuracy", &kProbeAccuracy, {}, &all);
  for (const char* k : {"1", "5"}) {
    AddEncoders(std::string("zero_shot_top") + k, &kZeroShotAccuracy, {{"k", k}}, &all);
  }
  for (const char* direction : {"image_to_text", "text_to_image"}) {
    for (const char* k : {"1", "5", "10"}) {
      all.emplace(std::string("recall_") + direction + "_" + k,
                  Series{&kRecall, {{"direction", direction}, {"k", k}}});
    }
  }
  return all;
}

}  // namespace

const Metric kCollapsed{"ocellus_train_collapsed",
                        "1 while the encoder's features are the same for every image, or not "
                        "finite; see the job's events."};

const Metric* EvaluationSeries(const std::string& name, Labels* labels) {
  static const auto* all = new std::map<std::string, Series>(MakeAll());
  const auto found = all->find(name);
  if (found == all->end()) return nullptr;
  *labels = found->second.labels;
  return found->second.metric;
}

}  // namespace ocellus::agent
