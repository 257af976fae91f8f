// CLIP's image tower and text tower, by open_clip's names.
// Radford et al. 2021, arXiv:2103.00020; open_clip transformer.py VisionTransformer and model.py
// CLIP.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>

#include "models/nn/clip_transformer.h"

namespace ocellus::models::nn {

// N images or captions, W width of the tower, E embed_dim.

struct ImageTowerShape {
  int64_t image_size = 0;  // pixels of a side; divisible by patch_size
  int64_t patch_size = 0;
  int64_t embed_dim = 0;
  ClipShape transformer;
  int64_t grid() const { return image_size / patch_size; }
};

// conv1 (no bias), class_embedding in front, learned positional_embedding, ln_pre, transformer,
// ln_post of the class token, proj.
class ImageTower final : public torch::nn::Module {
 public:
  explicit ImageTower(const ImageTowerShape& shape);

  // The class token after ln_post, of images [N, 3, S, S]: [N, W] fp32.
  torch::Tensor Pool(const torch::Tensor& images, torch::ScalarType compute) const;
  // That times proj: [N, E] fp32, of any length.
  torch::Tensor Embed(const torch::Tensor& images, torch::ScalarType compute) const;

  // As open_clip does: embeddings and proj normal W^-0.5, the rest PyTorch's defaults.
  void Initialise(torch::Generator& generator);

 private:
  ImageTowerShape shape_;
  torch::Tensor conv_, class_embedding_, positional_embedding_, proj_;
  std::shared_ptr<LayerNorm> ln_pre_, ln_post_;
  std::shared_ptr<ClipTransformer> transformer_;
};

struct TextTowerShape {
  int64_t vocab_size = 0;
  int64_t context_length = 0;  // tokens of a caption, the padding counted
  int64_t embed_dim = 0;
  ClipShape transformer;  // causal
};

// token_embedding + positional_embedding, causal transformer, ln_final, the position of the highest
// token id (the end token; what stands behind it is not seen), text_projection.
class TextTower {
 public:
  // Registers its parts in `owner` itself, where open_clip has them: beside the image tower.
  TextTower(torch::nn::Module& owner, const TextTowerShape& shape);

  // tokens [N, context_length] int64, each in [0, vocab_size). Returns [N, E] fp32, of any length.
  torch::Tensor Embed(const torch::Tensor& tokens, torch::ScalarType compute) const;

  // As open_clip's init_parameters.
  void Initialise(torch::Generator& generator);

 private:
  TextTowerShape shape_;
  torch::Tensor token_embedding_, positional_embedding_, text_projection_;
  std::shared_ptr<ClipTransformer> transformer_;
  std::shared_ptr<LayerNorm> ln_final_;
};

}  // namespace ocellus::models::nn
