#include "models/objectives/mocov3_network.h"

#include <vector>

#include "models/nn/vit.h"

namespace ocellus::models::objectives {
namespace {

using nn::BatchNormPart;
using nn::LinearPart;
using nn::ReluPart;

// The last BatchNorm of a projector, and of a ViT's predictor, has no weight and no bias.
constexpr bool kNotAffine = false;

std::vector<nn::HeadPart> Projector(const Mocov3Settings& s, int64_t features) {
  if (!s.is_vit) {
    return {LinearPart{features, s.mlp_dim}, BatchNormPart{s.mlp_dim}, ReluPart{},
            LinearPart{s.mlp_dim, s.proj_dim}, BatchNormPart{s.proj_dim, kNotAffine}};
  }
  return {LinearPart{features, s.mlp_dim},
          BatchNormPart{s.mlp_dim},
          ReluPart{},
          LinearPart{s.mlp_dim, s.mlp_dim},
          BatchNormPart{s.mlp_dim},
          ReluPart{},
          LinearPart{s.mlp_dim, s.proj_dim},
          BatchNormPart{s.proj_dim, kNotAffine}};
}

std::vector<nn::HeadPart> Predictor(const Mocov3Settings& s) {
  std::vector<nn::HeadPart> parts{LinearPart{s.proj_dim, s.mlp_dim}, BatchNormPart{s.mlp_dim},
                                  ReluPart{}, LinearPart{s.mlp_dim, s.proj_dim}};
  if (s.is_vit) parts.push_back(BatchNormPart{s.proj_dim, kNotAffine});
  return parts;
}

// A stem of convolutions is trained, as the official code has it.
void FreezePatches(nn::Vit& vit) {
  nn::PatchEmbed* patches = vit.patch_embed();
  if (patches == nullptr) return;
  patches->weight.set_requires_grad(false);
  patches->bias.set_requires_grad(false);
}

ProjectedEncoder MakeProjected(const Mocov3Settings& settings, const nlohmann::json& document) {
  ProjectedEncoder made{.encoder = MakeEncoder(document, "mocov3")};
  nn::Encoder& module = *made.encoder.module;
  made.projector =
      module.register_module(settings.is_vit ? "head" : "fc",
                             std::make_shared<nn::MlpHead>(Projector(settings, module.features())));
  return made;
}

}  // namespace

torch::Tensor ProjectedEncoder::Project(const torch::Tensor& images, const nn::Pass& pass) const {
  return projector->forward(encoder.module->forward(images, pass), pass);
}

Mocov3Network::Mocov3Network(const Mocov3Settings& settings, const nlohmann::json& document)
    : base_(MakeProjected(settings, document)), momentum_(MakeProjected(settings, document)) {
  register_module("base_encoder", base_.encoder.module);
  register_module("momentum_encoder", momentum_.encoder.module);
  predictor_ = register_module("predictor", std::make_shared<nn::MlpHead>(Predictor(settings)));
  if (settings.is_vit && settings.freeze_patch_embed) {
    FreezePatches(*std::dynamic_pointer_cast<nn::Vit>(base_.encoder.module));
  }
  ema_.Add(*base_.encoder.module, *momentum_.encoder.module);
}

void Mocov3Network::Initialise(torch::Generator& generator) {
  base_.encoder.module->Initialise(generator);
  base_.projector->Initialise(generator);
  predictor_->Initialise(generator);
  ema_.Copy();
}

torch::Tensor Mocov3Network::Query(const torch::Tensor& images, const nn::Pass& pass) const {
  return predictor_->forward(base_.Project(images, pass), pass);
}

torch::Tensor Mocov3Network::Key(const torch::Tensor& images, const nn::Pass& pass) const {
  const torch::NoGradGuard no_grad;
  return momentum_.Project(images, pass);
}

}  // namespace ocellus::models::objectives
