// Images and their captions, each other's only match in the batch: CLIP (Radford et al. 2021,
// arXiv:2103.00020) and, with `loss: siglip`, SigLIP (Zhai et al. 2023, arXiv:2303.15343) on the
// same towers. As mlfoundations/open_clip.
//
// Inputs: `images` [N, 3, H, W], `tokens` [N, context_length] int64. Outputs: `image_features`,
// `text_features` [N, embed_dim], of length 1; `logit_scale`, the factor. Negatives are those of
// all ranks, gradients exactly those of the whole batch. With `chunk` the towers see that many
// samples at a time, in the same step with the same negatives.
//
// Features: the image tower's class token after ln_post, before `proj`, as CLIP's own linear probes
// take it. image_embeddings and text_features are the normalised embeddings that the loss compares.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "models/objective.h"
#include "models/objectives/clip_network.h"
#include "models/objectives/document.h"

namespace ocellus::models::objectives {

class Clip final : public Objective {
 public:
  Clip(const ClipSettings& settings, const Colours& colours, torch::ScalarType compute,
       torch::Device device);

  InputWishes inputs() const override;
  torch::nn::Module& module() override { return *network_; }
  void initialise(torch::Generator generator) override;
  StepOutput forward(const Tensors& inputs, const StepContext& context) override;
  void after_step(const StepContext& context) override;
  bool repeatable() const override { return true; }
  torch::Tensor features(const torch::Tensor& images) override;
  torch::Tensor image_embeddings(const torch::Tensor& images) override;
  torch::Tensor text_features(const torch::Tensor& tokens) override;
  Tensors encoder_weights() override;
  std::map<std::string, std::string> encoder_metadata() override;
  std::optional<double> chance_loss(int64_t global_batch) const override;

 private:
  torch::Tensor EmbedImages(const torch::Tensor& images, torch::ScalarType compute) const;
  torch::Tensor EmbedTexts(const torch::Tensor& tokens, torch::ScalarType compute) const;

  ClipSettings settings_;
  Colours colours_;
  torch::ScalarType compute_;
  std::shared_ptr<ClipNetwork> network_;
  std::vector<torch::Tensor> image_parameters_, text_parameters_;
};

// From a resolved training document. Throws wire::Fault (user, BAD_SPEC) that names the key.
std::unique_ptr<Objective> MakeClip(const nlohmann::json& document, torch::Device device);

}  // namespace ocellus::models::objectives
