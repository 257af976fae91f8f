// Features of whole images in the seeded order of a dataset, the work shared by all ranks.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "models/objective.h"
#include "worker/data/dataset.h"
#include "worker/dist/communicator.h"
#include "worker/trainer/knn.h"
#include "worker/trainer/settings.h"

namespace ocellus::trainer {

// The input that is a whole image, as Embed finds it: [batch, 3, size, size].
inline constexpr char kWholeImage[] = "image";

// What to make of a batch: [batch, anything] fp32 on its device, without graph.
using Embed = std::function<torch::Tensor(const models::Tensors& batch)>;

class FeatureReader {
 public:
  // `data`: that section of the document. `ranks` is not owned.
  FeatureReader(const nlohmann::json& data, const Settings& settings, dist::Communicator* ranks,
                torch::Device device);

  // Samples of `dataset` that come in its seeded order before one comes twice.
  int64_t Places(const data::Dataset& dataset) const;

  // `embed` of the places [first, first + count), with their labels, on all ranks. All ranks call
  // it. Each sample is a whole image of `size` pixels, and `texts` of its caption.
  LabelledFeatures Read(std::shared_ptr<const data::Dataset> dataset, int64_t first, int64_t count,
                        int size, const std::vector<models::TextWish>& texts,
                        const Embed& embed) const;

  bool first_rank() const { return ranks_->rank() == 0; }

 private:
  int64_t BatchOf(const data::Dataset& dataset) const;

  nlohmann::json data_;
  Settings settings_;
  dist::Communicator* ranks_;
  torch::Device device_;
};

}  // namespace ocellus::trainer
