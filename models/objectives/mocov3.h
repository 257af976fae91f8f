// MoCo v3 (Chen, Xie & He 2021, arXiv:2104.02057; facebookresearch/moco-v3): two views of an image
// must find each other among all images of the batch, one seen by the trained encoder, the other by
// its slow copy.
//
// Inputs: `view1`, `view2` [N, 3, H, W]. Outputs: `q1`, `q2`, `k1`, `k2` [N, proj_dim], before they
// are normalised. Features: the class token after `norm` (ViT) or the pooled features (ResNet) of
// the base encoder, by running values. The slow copy moves inside of forward, once a step, between
// queries and keys: by the base as it is before the step's update.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "models/objective.h"
#include "models/objectives/mocov3_network.h"

namespace ocellus::models::objectives {

class Mocov3 final : public Objective {
 public:
  Mocov3(const Mocov3Settings& settings, const nlohmann::json& document, torch::Device device);

  InputWishes inputs() const override;
  torch::nn::Module& module() override { return *network_; }
  void initialise(torch::Generator generator) override;
  StepOutput forward(const Tensors& inputs, const StepContext& context) override;
  double average_momentum(const StepContext& context) const override;
  bool repeatable() const override { return true; }
  torch::Tensor features(const torch::Tensor& images) override;
  Tensors encoder_weights() override;
  std::map<std::string, std::string> encoder_metadata() override;

  // 4 temperature ln(global_batch): two cross entropies at ln N, each times 2 temperature.
  std::optional<double> chance_loss(int64_t global_batch) const override;

 private:
  Mocov3Settings settings_;
  torch::ScalarType compute_;
  std::shared_ptr<Mocov3Network> network_;
};

// From a resolved training document. Throws wire::Fault (user, BAD_SPEC) that names the key.
std::unique_ptr<Objective> MakeMocov3(const nlohmann::json& document, torch::Device device);

}  // namespace ocellus::models::objectives
