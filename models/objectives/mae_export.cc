#include <nlohmann/json.hpp>

#include "models/objectives/mae.h"

namespace ocellus::models::objectives {
namespace {

bool BelongsToEncoder(const std::string& name) {
  for (const char* prefix : {"cls_token", "pos_embed", "patch_embed.", "blocks.", "norm."}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

Tensors Mae::encoder_weights() {
  Tensors weights;
  for (const auto& item : network_->named_parameters()) {
    if (BelongsToEncoder(item.key())) weights[item.key()] = item.value().detach();
  }
  return weights;
}

std::map<std::string, std::string> Mae::encoder_metadata() {
  // What timm.models.VisionTransformer takes as it is.
  const nlohmann::json timm = {{"img_size", settings_.image_size},
                               {"patch_size", settings_.patch_size},
                               {"embed_dim", settings_.dim},
                               {"depth", settings_.depth},
                               {"num_heads", settings_.heads},
                               {"mlp_ratio", settings_.mlp_ratio},
                               {"num_classes", 0},
                               {"act_layer", "gelu"},
                               {"norm_layer", "layernorm"}};
  auto metadata = PreprocessingMetadata(colours_, settings_.image_size);
  metadata.insert({{"format", "pt"},
                   {"objective", "mae"},
                   {"model", "vit"},
                   {"timm_kwargs", timm.dump()},
                   {"activation", "gelu"},
                   {"layer_norm_eps", "1e-6"},
                   {"features", "class token after norm"}});
  return metadata;
}

}  // namespace ocellus::models::objectives
