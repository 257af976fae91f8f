#include "models/nn/vit.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "models/nn/position_table.h"
#include "worker/wire/fault.h"

namespace ocellus::models::nn {
namespace {

constexpr double kLayerNormEps = 1e-6;
constexpr double kTokenDeviation = 1e-6;

[[noreturn]] void ThrowBadVit(const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", "model.vit" + message,
                    "see `ocellus explain model.vit`");
}

void Check(const VitShape& shape) {
  const auto number = [](int64_t value) { return std::to_string(value); };
  if (shape.image_size % shape.patch_size != 0) {
    ThrowBadVit(".image_size: " + number(shape.image_size) +
                " is not divisible by model.vit.patch_size = " + number(shape.patch_size));
  }
  if (shape.dim % shape.heads != 0) {
    ThrowBadVit(".dim: " + number(shape.dim) +
                " is not divisible by model.vit.heads = " + number(shape.heads));
  }
  if (shape.dim % 4 != 0) {
    ThrowBadVit(".dim: " + number(shape.dim) +
                " is not divisible by 4, as its position table needs");
  }
  if (shape.conv_stem && (shape.patch_size != ConvStem::kPatchSize || shape.dim % 8 != 0)) {
    ThrowBadVit(".stem: conv needs a patch_size of 16 and a dim divisible by 8");
  }
}

class Holder final : public torch::nn::Module {};

// Queries, keys and values are three layers in one tensor.
void InitialiseLinear(Linear& linear, bool packed, torch::Generator& generator) {
  linear.bias.zero_();
  for (const torch::Tensor& part : linear.weight.chunk(packed ? 3 : 1)) {
    XavierUniform(part, generator);
  }
}

}  // namespace

VitShape ParseVitShape(const nlohmann::json& section) {
  VitShape shape;
  try {
    shape = {.image_size = section.at("image_size").get<int64_t>(),
             .patch_size = section.at("patch_size").get<int64_t>(),
             .dim = section.at("dim").get<int64_t>(),
             .depth = section.at("depth").get<int64_t>(),
             .heads = section.at("heads").get<int64_t>(),
             .mlp_ratio = section.at("mlp_ratio").get<double>(),
             .conv_stem = section.value("stem", "patch") == "conv",
             .recompute = section.value("recompute", false)};
  } catch (const nlohmann::json::exception& error) {
    ThrowBadVit(std::string(": ") + error.what());
  }
  Check(shape);
  return shape;
}

Vit::Vit(const VitShape& shape) : shape_(shape) {
  const int64_t tokens = 1 + shape.grid() * shape.grid();
  cls_token_ = register_parameter("cls_token", torch::zeros({1, 1, shape.dim}));
  pos_embed_ = register_parameter("pos_embed", torch::zeros({1, tokens, shape.dim}), false);
  if (shape.conv_stem) {
    stem_ = register_module("patch_embed", std::make_shared<Holder>())
                ->register_module("proj", std::make_shared<ConvStem>(shape.dim));
  } else {
    patch_embed_ = register_module("patch_embed",
                                   std::make_shared<PatchEmbed>(shape.patch_size, 3, shape.dim));
  }
  const BlockShape block{
      .width = shape.dim,
      .heads = shape.heads,
      .hidden = static_cast<int64_t>(static_cast<double>(shape.dim) * shape.mlp_ratio),
      .eps = kLayerNormEps,
      .recompute = shape.recompute};
  blocks_ = register_module("blocks", std::make_shared<Blocks>(shape.depth, block));
  norm_ = register_module("norm", std::make_shared<LayerNorm>(shape.dim, kLayerNormEps));
}

// [N, L, D] in pass.compute.
torch::Tensor Vit::Patches(const torch::Tensor& images, const Pass& pass) const {
  if (stem_) return stem_->forward(images, pass);
  return patch_embed_->forward(PatchPixels(images.contiguous(), shape_.patch_size), pass.compute);
}

torch::Tensor Vit::forward(const torch::Tensor& images, const Pass& pass) const {
  const torch::Tensor patches = Patches(images, pass).to(torch::kFloat32);
  const torch::Tensor token = cls_token_.expand({images.size(0), 1, shape_.dim});

  Stream stream{torch::cat({token, patches}, 1) + pos_embed_, {}};
  stream = blocks_->forward(std::move(stream), pass.compute);

  // Nothing reads the other tokens any more.
  Stream last{stream.residual.select(1, 0).contiguous(), {}};
  if (stream.branch.defined()) last.branch = stream.branch.select(1, 0).contiguous();
  return Normalise(last, *norm_, torch::kFloat32);
}

void Vit::Initialise(torch::Generator& generator) {
  const torch::NoGradGuard no_grad;
  pos_embed_.copy_(SinCosTable(shape_.dim, shape_.grid(), TableOrder::kRowFirst));
  if (stem_) {
    stem_->Initialise(generator);
  } else {
    XavierUniform(patch_embed_->weight, generator);
    patch_embed_->bias.zero_();
  }
  for (const auto& item : blocks_->named_modules()) {
    if (auto* linear = item.value()->as<Linear>()) {
      InitialiseLinear(*linear, item.key().ends_with("attn.qkv"), generator);
    }
  }
  Normal(cls_token_, kTokenDeviation, generator);
}

}  // namespace ocellus::models::nn
