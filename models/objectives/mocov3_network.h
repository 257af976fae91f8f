// The networks of MoCo v3: an encoder with a projector and a predictor, and a slow copy of the
// first two. Chen, Xie & He 2021, arXiv:2104.02057; names and order as facebookresearch/moco-v3
// builder.py MoCo_ViT and MoCo_ResNet.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "models/nn/ema.h"
#include "models/nn/mlp_head.h"
#include "models/objectives/encoders.h"

namespace ocellus::models::objectives {

struct Mocov3Settings {
  double temperature = 0.2;
  nn::MomentumSchedule momentum;
  int64_t proj_dim = 256, mlp_dim = 4096;
  bool is_vit = true;
  bool freeze_patch_embed = true;  // of a ViT
};

// From a resolved training document. Throws wire::Fault (user, BAD_SPEC) that names the key.
Mocov3Settings ParseMocov3Settings(const nlohmann::json& document);

// An encoder and its projector, which is the encoder's `head` (ViT) or `fc` (ResNet).
struct ProjectedEncoder {
  NamedEncoder encoder;
  std::shared_ptr<nn::MlpHead> projector;

  // images [N, 3, H, W]. Returns [N, proj_dim] in pass.compute.
  torch::Tensor Project(const torch::Tensor& images, const nn::Pass& pass) const;
};

// base_encoder, momentum_encoder (frozen), predictor.
class Mocov3Network final : public torch::nn::Module {
 public:
  Mocov3Network(const Mocov3Settings& settings, const nlohmann::json& document);

  // Draws the initial values; the slow copy starts equal to the base.
  void Initialise(torch::Generator& generator);

  // [N, proj_dim] in pass.compute, from images [N, 3, H, W]. Keys are without gradient.
  torch::Tensor Query(const torch::Tensor& images, const nn::Pass& pass) const;
  torch::Tensor Key(const torch::Tensor& images, const nn::Pass& pass) const;

  // momentum_encoder <- momentum momentum_encoder + (1 - momentum) base_encoder, parameters alone;
  // `numbers` as in nn::Ema.
  void MoveMomentumEncoder(double momentum, const torch::Tensor& numbers) {
    ema_.Update(momentum, numbers);
  }

  const NamedEncoder& encoder() const { return base_.encoder; }

 private:
  ProjectedEncoder base_, momentum_;
  std::shared_ptr<nn::MlpHead> predictor_;
  nn::Ema ema_;
};

}  // namespace ocellus::models::objectives
