// Masked autoencoders (He et al. 2021, arXiv:2111.06377; facebookresearch/mae).
//
// Inputs: `images` [N, 3, H, W], `noise` [N, L] in [0, 1). The patches of smallest noise are
// visible. Outputs: `pred` [N, L, p p 3], patches row by row, values in a patch row, column,
// channel; `mask` [N, L], 1 where hidden. Features, of the tokens after `norm`: the class token,
// what timm returns for a ViT with num_classes=0, and what the official linear probe looks at; or
// the patches' mean or maximum (objective.mae.features). Pictures: one row an image: original,
// masked, reconstructed. A reconstruction keeps the visible patches; with
// norm_pix_loss a hidden one gets the mean and deviation of the true patch back, as in the official
// demo. Chance, with norm_pix_loss, is the loss of the decoder's first values, 1.8 for patches of
// 16 (1.0 is that of the mean alone); plain pixels have no such level.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "models/objective.h"
#include "models/objectives/document.h"
#include "models/objectives/mae_network.h"

namespace ocellus::models::objectives {

class Mae final : public Objective {
 public:
  Mae(const MaeSettings& settings, const Colours& colours, torch::ScalarType compute,
      torch::Device device);

  InputWishes inputs() const override;
  torch::nn::Module& module() override { return *network_; }
  void initialise(torch::Generator generator) override;
  StepOutput forward(const Tensors& inputs, const StepContext& context) override;
  bool repeatable() const override { return true; }
  torch::Tensor features(const torch::Tensor& images) override;
  Tensors encoder_weights() override;
  std::map<std::string, std::string> encoder_metadata() override;
  std::vector<std::vector<torch::Tensor>> pictures(const Tensors& inputs) override;
  std::optional<double> chance_loss(int64_t global_batch) const override;

 private:
  MaeSettings settings_;
  Colours colours_;
  torch::ScalarType compute_;
  std::shared_ptr<MaeNetwork> network_;
};

// From a resolved training document. Throws wire::Fault (user, BAD_SPEC) that names the key.
std::unique_ptr<Objective> MakeMae(const nlohmann::json& document, torch::Device device);

}  // namespace ocellus::models::objectives
