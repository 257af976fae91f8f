#include "models/ops/relic_loss.h"

namespace ocellus::models::ops {
namespace {

// [n, C]: log-probabilities of each anchor's candidates.
torch::Tensor LogProbabilities(const torch::Tensor& anchors, const torch::Tensor& others,
                               const torch::Tensor& chosen, double temperature) {
  torch::Tensor scores = torch::matmul(anchors, others.t()) / temperature;
  if (chosen.defined()) scores = scores.gather(1, chosen);
  return scores.log_softmax(1);
}

// [n].
torch::Tensor Divergence(const torch::Tensor& log_p, const torch::Tensor& log_q,
                         RelicDivergence kind) {
  if (kind == RelicDivergence::kSoftLabel) {
    const torch::Tensor label = log_q.detach();
    return (label.exp() * (label - log_p)).sum(1);
  }
  const torch::Tensor p = log_p.exp();
  const torch::Tensor entropy = (p * log_p).sum(1);
  return (kind == RelicDivergence::kFull ? entropy : entropy.detach()) - (p * log_q).sum(1);
}

}  // namespace

RelicTerms RelicPairTerms(const RelicSides& sides, const RelicCandidates& candidates,
                          double temperature, RelicDivergence divergence) {
  const torch::Tensor& chosen = candidates.chosen;
  const torch::Tensor log_p = LogProbabilities(sides.online, sides.all_target, chosen, temperature);
  const torch::Tensor log_q = LogProbabilities(sides.target, sides.all_online, chosen, temperature);

  const torch::Tensor itself =
      chosen.defined() ? log_p.select(1, 0) : log_p.gather(1, candidates.own.unsqueeze(1));
  return {.log_likelihood = itself.mean(), .kl = Divergence(log_p, log_q, divergence).mean()};
}

}  // namespace ocellus::models::ops
