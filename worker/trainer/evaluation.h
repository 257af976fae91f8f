// Looking at a model while it learns: what its features know, how healthy they are, its pictures.
//
// The samples are fixed by the document's seed: the same for every step, restart and number of
// ranks. Without a validation set, queries come from the training set; they are never in the bank.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "models/objective.h"
#include "worker/data/dataset.h"
#include "worker/dist/communicator.h"
#include "worker/trainer/feature_reader.h"
#include "worker/trainer/findings.h"
#include "worker/trainer/settings.h"

namespace ocellus::trainer {

class Evaluation {
 public:
  // Nothing but the datasets is owned. `validation_set` may be null.
  Evaluation(const nlohmann::json& training, std::shared_ptr<const data::Dataset> training_set,
             std::shared_ptr<const data::Dataset> validation_set, dist::Communicator* ranks,
             torch::Device device);

  // Everything that applies to `objective`, on rank 0; all ranks call it and compute their part of
  // the features. Nothing that needs labels where there are none, nothing at all when the document
  // turns kNN off (eval.knn's samples are those of all findings).
  Findings Look(models::Objective& objective);

  // kNN and probe of the pixels themselves, for comparison: images as `objective` sees them, made
  // smaller to 32 x 32 where they are larger. As for the rest like Look.
  Findings RawPixels(const models::Objective& objective);

  // Health of the features of eval.collapse.samples training images. Rank 0 has it; all call it.
  std::optional<FeatureHealth> Health(models::Objective& objective);

  // For each image its pictures as the objective makes them (original, masked, reconstructed ...),
  // with the same images and masks each time. Empty when there are none to show. Rank 0 calls it.
  std::vector<std::vector<torch::Tensor>> Pictures(models::Objective& objective);

 private:
  struct Split;
  std::optional<Split> MakeSplit() const;
  Findings Classify(const Split& split, int size, const Embed& embed);
  std::optional<Retrieval> Retrieve(models::Objective& objective, const Split& split);
  std::optional<ZeroShot> NameClasses(models::Objective& objective, const Split& split);
  std::shared_ptr<const data::Dataset> query_set() const;
  bool labelled() const;

  nlohmann::json data_;
  nlohmann::json zero_shot_;  // "eval.zero_shot"
  Settings settings_;
  std::shared_ptr<const data::Dataset> training_set_;
  std::shared_ptr<const data::Dataset> validation_set_;
  FeatureReader reader_;
  torch::Device device_;
};

// How many samples go into bank and queries when a set of `available` serves both: as asked, or
// fewer in the same proportion.
struct KnnSplit {
  int64_t bank = 0;
  int64_t queries = 0;
};
KnnSplit SplitForKnn(int64_t available, int64_t bank, int64_t queries);

}  // namespace ocellus::trainer
