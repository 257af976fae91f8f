#include "models/objectives/encoders.h"

#include <nlohmann/json.hpp>

#include "models/nn/resnet.h"
#include "models/nn/vit.h"
#include "models/objectives/document.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

NamedEncoder OfResNet(const nlohmann::json& document) {
  const nlohmann::json& section = document.at("model").at("resnet");
  const nn::ResNetShape shape = nn::ParseResNetShape(section);
  NamedEncoder made{.module = std::make_shared<nn::ResNet>(shape),
                    .image_size = section.value("image_size", int64_t{224}),
                    .any_size = true};
  made.metadata = PreprocessingMetadata(ParseColours(document), made.image_size);
  // With width 64 torchvision.models.ResNet and timm.models.ResNet take block and layers.
  const nlohmann::json resnet = {{"block", shape.bottleneck ? "Bottleneck" : "BasicBlock"},
                                 {"layers", shape.layers},
                                 {"width", shape.width}};
  made.metadata.insert({{"model", "resnet"},
                        {"resnet", resnet.dump()},
                        {"activation", "relu"},
                        {"batch_norm_eps", "1e-5"},
                        {"features", "layer4 averaged over the image"}});
  return made;
}

NamedEncoder OfVit(const nlohmann::json& document) {
  const nn::VitShape shape = nn::ParseVitShape(document.at("model").at("vit"));
  NamedEncoder made{.module = std::make_shared<nn::Vit>(shape), .image_size = shape.image_size};
  made.metadata = PreprocessingMetadata(ParseColours(document), made.image_size);
  // What timm.models.VisionTransformer takes as it is.
  const nlohmann::json timm = {{"img_size", shape.image_size},
                               {"patch_size", shape.patch_size},
                               {"embed_dim", shape.dim},
                               {"depth", shape.depth},
                               {"num_heads", shape.heads},
                               {"mlp_ratio", shape.mlp_ratio},
                               {"num_classes", 0},
                               {"act_layer", "gelu"},
                               {"norm_layer", "layernorm"}};
  made.metadata.insert({{"model", "vit"},
                        {"activation", "gelu"},
                        {"layer_norm_eps", "1e-6"},
                        {"features", "class token after norm"}});
  // timm has no ViT with MoCo v3's stem; facebookresearch/moco-v3 vits.py has.
  if (shape.conv_stem) made.metadata["stem"] = "conv";
  if (!shape.conv_stem) made.metadata["timm_kwargs"] = timm.dump();
  return made;
}

}  // namespace

NamedEncoder MakeEncoder(const nlohmann::json& document, const std::string& objective) {
  const nlohmann::json& model = document.at("model");
  NamedEncoder made;
  if (model.contains("resnet")) {
    made = OfResNet(document);
  } else if (model.contains("vit")) {
    made = OfVit(document);
  } else {
    throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC",
                      "model: the objective " + objective + " needs model.vit or model.resnet",
                      "see `ocellus explain model`");
  }
  made.metadata.insert({{"format", "pt"}, {"objective", objective}});
  return made;
}

Tensors EncoderState(const torch::nn::Module& encoder) {
  Tensors state;
  for (const auto& item : encoder.named_parameters()) state[item.key()] = item.value().detach();
  for (const auto& item : encoder.named_buffers()) state[item.key()] = item.value().detach();
  return state;
}

}  // namespace ocellus::models::objectives
