// Looking at a model while it learns: kNN accuracy of its features, and its pictures.
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
#include "worker/trainer/knn.h"
#include "worker/trainer/settings.h"

namespace ocellus::trainer {

class Evaluation {
 public:
  // Nothing but the datasets is owned. `validation_set` may be null.
  Evaluation(const nlohmann::json& training, std::shared_ptr<const data::Dataset> training_set,
             std::shared_ptr<const data::Dataset> validation_set, dist::Communicator* ranks,
             torch::Device device);

  // Share of queries classified right, on rank 0; all ranks call it and compute their part of the
  // features. Nothing when the samples have no labels or the document turns kNN off.
  std::optional<double> Knn(models::Objective& objective);

  // For each image its pictures as the objective makes them (original, masked, reconstructed ...),
  // with the same images and masks each time. Empty when there are none to show. Rank 0 calls it.
  std::vector<std::vector<torch::Tensor>> Pictures(models::Objective& objective);

 private:
  LabelledFeatures Features(models::Objective& objective,
                            std::shared_ptr<const data::Dataset> dataset, int64_t first,
                            int64_t count);
  std::shared_ptr<const data::Dataset> query_set() const;

  nlohmann::json data_;
  Settings settings_;
  std::shared_ptr<const data::Dataset> training_set_;
  std::shared_ptr<const data::Dataset> validation_set_;
  dist::Communicator* ranks_;
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
