// RotNet (Gidaris, Singh and Komodakis 2018, arXiv:1803.07728): turn an image by a quarter, a half,
// three quarters or not at all, and let a linear layer on the encoder say by how much. The smallest
// objective here, and the one to copy from when a method is added.
//
// Inputs: `images` [N, 3, H, W], `turn` [N, 1] in [0, 1): image n is turned counter-clockwise by
// int(4 turn) quarters. Outputs: `logits` [N, 4], `quarters` [N] int64. Features: the encoder's, or
// those of a ResNet's earlier stage, which the paper finds better (table 1): the last one serves
// the task. A random horizontal flip does not change which way is up, so crops may keep theirs.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "models/nn/encoder.h"
#include "models/nn/layers.h"
#include "models/objective.h"
#include "models/objectives/document.h"

namespace ocellus::models::objectives {

// encoder.* (timm's ViT or torchvision's ResNet) and head.*.
class RotnetNetwork final : public torch::nn::Module {
 public:
  explicit RotnetNetwork(std::shared_ptr<nn::Encoder> encoder);
  void Initialise(torch::Generator& generator);

  // images [N, 3, H, W]. Returns logits [N, 4] fp32.
  torch::Tensor forward(const torch::Tensor& images, const nn::Pass& pass) const;

  const nn::Encoder& encoder() const { return *encoder_; }

 private:
  std::shared_ptr<nn::Encoder> encoder_;
  std::shared_ptr<nn::Linear> head_;
};

class Rotnet final : public Objective {
 public:
  // `document` must have model.vit or model.resnet. Throws wire::Fault (user, BAD_SPEC).
  Rotnet(const nlohmann::json& document, torch::Device device);

  InputWishes inputs() const override;
  torch::nn::Module& module() override { return *network_; }
  void initialise(torch::Generator generator) override;
  StepOutput forward(const Tensors& inputs, const StepContext& context) override;
  bool repeatable() const override { return true; }
  torch::Tensor features(const torch::Tensor& images) override;
  Tensors encoder_weights() override;
  std::map<std::string, std::string> encoder_metadata() override { return metadata_; }
  std::optional<double> chance_loss(int64_t global_batch) const override;

 private:
  int image_size_;
  bool any_size_;
  int64_t stages_;  // that features are of; 0: the whole encoder's
  torch::ScalarType compute_;
  std::map<std::string, std::string> metadata_;
  std::shared_ptr<RotnetNetwork> network_;
};

}  // namespace ocellus::models::objectives
