#include "models/nn/clip_towers.h"

#include <cmath>

#include "models/nn/patch_embed.h"
#include "models/ops/linear.h"

namespace ocellus::models::nn {
namespace {

class Weights final : public torch::nn::Module {};

// A parameter that open_clip has in a module of its own, as `name`.weight.
torch::Tensor Weight(torch::nn::Module& owner, const std::string& name, at::IntArrayRef shape) {
  return owner.register_module(name, std::make_shared<Weights>())
      ->register_parameter("weight", torch::zeros(shape));
}

// The value of one token of each row, ready for a last normalisation: [N, 1, W].
Stream Only(const Stream& stream, const torch::Tensor& position_N) {
  const int64_t width = stream.residual.size(2);
  const torch::Tensor index = position_N.view({-1, 1, 1}).expand({-1, 1, width});
  return {stream.residual.gather(1, index), stream.branch.gather(1, index)};
}

// The last product of a tower is small, and what it makes is compared finely: in fp32.
torch::Tensor Project(const torch::Tensor& pooled, const torch::Tensor& projection) {
  return ops::Linear(pooled, projection.t(), {}, torch::kFloat32);
}

// PyTorch's default of a Linear: weight and bias uniform in +-fan_in^-0.5.
void DefaultLinear(const Linear& linear, torch::Generator& generator) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(linear.weight.size(1)));
  Uniform(linear.weight, bound, generator);
  Uniform(linear.bias, bound, generator);
}

}  // namespace

ImageTower::ImageTower(const ImageTowerShape& shape) : shape_(shape) {
  const int64_t width = shape.transformer.width, patch = shape.patch_size;
  class_embedding_ = register_parameter("class_embedding", torch::zeros({width}));
  positional_embedding_ = register_parameter(
      "positional_embedding", torch::zeros({1 + shape.grid() * shape.grid(), width}));
  proj_ = register_parameter("proj", torch::zeros({width, shape.embed_dim}));
  conv_ = Weight(*this, "conv1", {width, 3, patch, patch});
  ln_pre_ = register_module("ln_pre", std::make_shared<LayerNorm>(width, kClipLayerNormEps));
  transformer_ =
      register_module("transformer", std::make_shared<ClipTransformer>(shape.transformer));
  ln_post_ = register_module("ln_post", std::make_shared<LayerNorm>(width, kClipLayerNormEps));
}

torch::Tensor ImageTower::Pool(const torch::Tensor& images, torch::ScalarType compute) const {
  const torch::Tensor pixels = PatchPixels(images, shape_.patch_size);
  const torch::Tensor patches = ops::Linear(pixels, conv_.flatten(1), {}, compute);

  const torch::Tensor first = class_embedding_.expand({images.size(0), 1, -1});
  Stream stream{torch::cat({first, patches.to(torch::kFloat32)}, 1) + positional_embedding_, {}};
  stream = {Normalise(stream, *ln_pre_, torch::kFloat32), {}};
  stream = transformer_->forward(std::move(stream), compute);

  const auto options = torch::TensorOptions().dtype(torch::kInt64).device(images.device());
  stream = Only(stream, torch::zeros({images.size(0)}, options));
  return Normalise(stream, *ln_post_, torch::kFloat32).squeeze(1);
}

torch::Tensor ImageTower::Embed(const torch::Tensor& images, torch::ScalarType compute) const {
  return Project(Pool(images, compute), proj_);
}

void ImageTower::Initialise(torch::Generator& generator) {
  const torch::NoGradGuard no_grad;
  const double deviation = 1.0 / std::sqrt(static_cast<double>(shape_.transformer.width));
  Normal(class_embedding_, deviation, generator);
  Normal(positional_embedding_, deviation, generator);
  Normal(proj_, deviation, generator);
  Uniform(conv_, 1.0 / std::sqrt(static_cast<double>(conv_[0].numel())), generator);
  for (const auto& block : transformer_->blocks()) {
    XavierUniform(block->in_proj_weight, generator);
    DefaultLinear(*block->out_proj, generator);
    block->out_proj->bias.zero_();
    DefaultLinear(*block->c_fc, generator);
    DefaultLinear(*block->c_proj, generator);
  }
}

TextTower::TextTower(torch::nn::Module& owner, const TextTowerShape& shape) : shape_(shape) {
  const int64_t width = shape.transformer.width;
  positional_embedding_ =
      owner.register_parameter("positional_embedding", torch::zeros({shape.context_length, width}));
  text_projection_ =
      owner.register_parameter("text_projection", torch::zeros({width, shape.embed_dim}));
  token_embedding_ = Weight(owner, "token_embedding", {shape.vocab_size, width});
  transformer_ =
      owner.register_module("transformer", std::make_shared<ClipTransformer>(shape.transformer));
  ln_final_ =
      owner.register_module("ln_final", std::make_shared<LayerNorm>(width, kClipLayerNormEps));
}

torch::Tensor TextTower::Embed(const torch::Tensor& tokens, torch::ScalarType compute) const {
  const torch::Tensor words = at::embedding(token_embedding_, tokens);
  Stream stream{words + positional_embedding_, {}};
  stream = transformer_->forward(std::move(stream), compute);

  stream = Only(stream, tokens.argmax(1));
  return Project(Normalise(stream, *ln_final_, torch::kFloat32).squeeze(1), text_projection_);
}

void TextTower::Initialise(torch::Generator& generator) {
  const torch::NoGradGuard no_grad;
  const auto width = static_cast<double>(shape_.transformer.width);
  const auto layers = static_cast<double>(shape_.transformer.layers);
  const double attention = 1.0 / std::sqrt(width);
  const double residual = attention / std::sqrt(2.0 * layers);
  Normal(token_embedding_, 0.02, generator);
  Normal(positional_embedding_, 0.01, generator);
  for (const auto& block : transformer_->blocks()) {
    DefaultLinear(*block->c_fc, generator);  // for the biases, which keep PyTorch's default
    DefaultLinear(*block->c_proj, generator);
    Normal(block->in_proj_weight, attention, generator);
    Normal(block->out_proj->weight, residual, generator);
    Normal(block->c_fc->weight, 1.0 / std::sqrt(2.0 * width), generator);
    Normal(block->c_proj->weight, residual, generator);
  }
  Normal(text_projection_, attention, generator);
}

}  // namespace ocellus::models::nn
