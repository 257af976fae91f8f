// The networks of ReLICv2: an online side that is trained, and a target side that follows it.
// Tomasev et al. 2022, arXiv:2201.05119; heads are BYOL's (google-deepmind/relicv2 networks.py).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "models/nn/ema.h"
#include "models/nn/encoder.h"
#include "models/nn/mlp_head.h"
#include "models/ops/relic_loss.h"

namespace ocellus::models::objectives {

struct Relicv2Settings {
  double temperature = 0.2;
  double alpha = 1.0;  // of the likelihood
  double beta = 1.0;   // of the invariance
  nn::MomentumSchedule momentum;
  int64_t large_views = 4, small_views = 2;
  int64_t small_size = 96;  // pixels of a side of a small view
  bool include_self_pairs = true;
  ops::RelicDivergence divergence = ops::RelicDivergence::kListing;
  bool small_divergence = true;  // whether pairs of a small view count in it
  int64_t num_negatives = 10;
  int64_t proj_dim = 256, mlp_dim = 4096;
  bool predictor = true;
};

// From a resolved training document. Throws wire::Fault (user, BAD_SPEC) that names the key.
Relicv2Settings ParseRelicv2Settings(const nlohmann::json& document);

// encoder, projector and, on the online side, predictor.
class Relicv2Side final : public torch::nn::Module {
 public:
  Relicv2Side(const Relicv2Settings& settings, std::shared_ptr<nn::Encoder> encoder,
              bool predictor);

  // images [N, 3, H, W]. Returns what is compared: [N, proj_dim] fp32, rows of length 1.
  torch::Tensor forward(const torch::Tensor& images, const nn::Pass& pass) const;

  void Initialise(torch::Generator& generator);

  const std::shared_ptr<nn::Encoder>& encoder() const { return encoder_; }
  const std::shared_ptr<nn::MlpHead>& projector() const { return projector_; }

 private:
  std::shared_ptr<nn::Encoder> encoder_;
  std::shared_ptr<nn::MlpHead> projector_, predictor_;  // the predictor may be null
};

// online.* and target.*; all of the target is frozen.
class Relicv2Network final : public torch::nn::Module {
 public:
  // Two encoders of one shape.
  Relicv2Network(const Relicv2Settings& settings, std::shared_ptr<nn::Encoder> online,
                 std::shared_ptr<nn::Encoder> target);

  // The target starts as the online side.
  void Initialise(torch::Generator& generator);

  // target <- momentum target + (1 - momentum) online, parameters only, but for those handed over;
  // `numbers` as in nn::Ema.
  void Follow(double momentum, const torch::Tensor& numbers) { ema_.Update(momentum, numbers); }
  // The target's parameters by the names of the online ones that they follow, as Ema::HandOver.
  std::map<std::string, torch::Tensor> HandOverTarget() { return ema_.HandOver(*this); }

  const Relicv2Side& online() const { return *online_; }
  const Relicv2Side& target() const { return *target_; }

 private:
  std::shared_ptr<Relicv2Side> online_, target_;
  nn::Ema ema_;
};

}  // namespace ocellus::models::objectives
