#include "worker/trainer/retrieval.h"

#include <limits>
#include <tuple>

namespace ocellus::trainer {
namespace {

// `scores` [n, n], `right` [n, n] of bool: for each row how many wrong candidates come first.
torch::Tensor WrongBefore(const torch::Tensor& scores, const torch::Tensor& right) {
  const double lowest = -std::numeric_limits<double>::infinity();
  const torch::Tensor best = std::get<0>(scores.masked_fill(~right, lowest).max(1, true));
  return (scores.ge(best) & ~right).sum(1);
}

Recall Recalls(const torch::Tensor& wrong_before) {
  Recall recall;
  for (size_t i = 0; i < recall.size(); ++i) {
    recall[i] = wrong_before.lt(kRecallAt[i]).to(torch::kDouble).mean().item<double>();
  }
  return recall;
}

torch::Tensor PreciseDirections(const torch::Tensor& rows) {
  const auto options = torch::nn::functional::NormalizeFuncOptions().dim(1);
  return torch::nn::functional::normalize(rows.to(torch::kDouble), options);
}

}  // namespace

Retrieval RecallOfPairs(const torch::Tensor& images, const torch::Tensor& texts,
                        const torch::Tensor& tokens) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor caption = std::get<1>(torch::unique_dim(tokens, 0, true, true));
  const torch::Tensor right = caption.unsqueeze(1).eq(caption.unsqueeze(0));
  const torch::Tensor scores = PreciseDirections(images).mm(PreciseDirections(texts).t());
  Retrieval retrieval;
  retrieval.image_to_text = Recalls(WrongBefore(scores, right));
  retrieval.text_to_image = Recalls(WrongBefore(scores.t(), right));
  return retrieval;
}

}  // namespace ocellus::trainer
