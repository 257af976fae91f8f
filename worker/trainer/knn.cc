#include "worker/trainer/knn.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace ocellus::trainer {
namespace {

struct Neighbours {
  torch::Tensor directions;  // [n, dim], length 1
  torch::Tensor labels;      // [n]
};

Neighbours LabelledDirections(const LabelledFeatures& all) {
  const torch::Tensor labels = torch::tensor(all.labels, torch::kLong);
  const torch::Tensor chosen = labels.ge(0).nonzero().flatten();
  const auto options = torch::nn::functional::NormalizeFuncOptions().dim(1);
  const torch::Tensor features = all.features.index_select(0, chosen);
  return {torch::nn::functional::normalize(features, options), labels.index_select(0, chosen)};
}

}  // namespace

double KnnAccuracy(const LabelledFeatures& bank, const LabelledFeatures& queries, int64_t k,
                   double temperature) {
  const torch::NoGradGuard no_grad;
  const Neighbours known = LabelledDirections(bank), asked = LabelledDirections(queries);
  const int64_t known_count = known.labels.size(0), asked_count = asked.labels.size(0);
  if (known_count == 0 || asked_count == 0) return std::numeric_limits<double>::quiet_NaN();

  const torch::Tensor similarity = asked.directions.mm(known.directions.t());
  torch::Tensor nearest, indices;
  std::tie(nearest, indices) = similarity.topk(std::min(k, known_count), 1);

  const torch::Tensor neighbours = known.labels.index_select(0, indices.flatten());
  const int64_t classes = known.labels.max().item<int64_t>() + 1;
  // Votes are scaled by exp(-1 / temperature), so that a small temperature does not overflow.
  const torch::Tensor votes =
      torch::zeros({asked_count, classes})
          .scatter_add_(1, neighbours.view_as(indices), ((nearest - 1) / temperature).exp());
  return votes.argmax(1).eq(asked.labels).to(torch::kDouble).mean().item<double>();
}

}  // namespace ocellus::trainer
