// ReLICv2 (Tomasev et al. 2022, arXiv:2201.05119): an image's views predict each other among
// negatives, and views that change sides must not change the answer. The official repository has
// the evaluation only; where the text is open, docs/REPLAY.md says which reading this is.
//
// Inputs: `large_0` .. and `small_0` .. [N, 3, H, W]; in a replay optionally `negatives`
// [N, num_negatives]: indices among the batch of all ranks, for all pairs and steps. Outputs:
// `log_likelihood` and `kl`, means over images and pairs of views. Features: the online encoder's,
// pooled. Each micro-batch is a batch of its own: its negatives are in it, and so are the
// statistics of its batch normalisation.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "models/objective.h"
#include "models/objectives/relicv2_network.h"
#include "models/ops/relic_loss.h"

namespace ocellus::models::objectives {

class Relicv2 final : public Objective {
 public:
  // From a resolved training document. Throws wire::Fault (user, BAD_SPEC) that names the key.
  Relicv2(const nlohmann::json& document, torch::Device device);

  InputWishes inputs() const override;
  torch::nn::Module& module() override { return *network_; }
  void initialise(torch::Generator generator) override;
  StepOutput forward(const Tensors& inputs, const StepContext& context) override;
  Tensors step_draws(const StepContext& context, int64_t rows) const override;
  void after_step(const StepContext& context) override;
  Tensors hand_over_averages() override { return network_->HandOverTarget(); }
  double average_momentum(const StepContext& context) const override;
  bool repeatable() const override { return true; }
  torch::Tensor features(const torch::Tensor& images) override;
  Tensors encoder_weights() override;
  std::map<std::string, std::string> encoder_metadata() override { return metadata_; }
  std::optional<double> chance_loss(int64_t global_batch) const override;

 private:
  std::vector<std::string> views() const;  // large ones first
  bool Compares(int64_t a, int64_t b) const { return a != b || settings_.include_self_pairs; }
  ops::RelicCandidates Candidates(const Tensors& inputs, const StepContext& context, int64_t pair,
                                  int64_t rows) const;

  Relicv2Settings settings_;
  int image_size_;  // of a large view
  bool any_size_;
  torch::ScalarType compute_;
  std::map<std::string, std::string> metadata_;
  std::shared_ptr<Relicv2Network> network_;
};

}  // namespace ocellus::models::objectives
