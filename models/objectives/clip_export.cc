#include <nlohmann/json.hpp>

#include "models/objectives/clip.h"

namespace ocellus::models::objectives {

// Both towers: without the text one there is no zero-shot.
Tensors Clip::encoder_weights() {
  Tensors weights;
  for (const auto& item : network_->named_parameters()) {
    weights[item.key()] = item.value().detach();
  }
  return weights;
}

std::map<std::string, std::string> Clip::encoder_metadata() {
  // What open_clip.model.CLIP takes as it is.
  nlohmann::json open_clip = {{"embed_dim", settings_.embed_dim},
                              {"quick_gelu", settings_.quick_gelu},
                              {"vision_cfg",
                               {{"image_size", settings_.image_size},
                                {"patch_size", settings_.patch_size},
                                {"width", settings_.dim},
                                {"layers", settings_.depth},
                                {"head_width", settings_.dim / settings_.heads},
                                {"mlp_ratio", settings_.mlp_ratio}}},
                              {"text_cfg",
                               {{"context_length", settings_.context_length},
                                {"vocab_size", settings_.vocab_size},
                                {"width", settings_.text_width},
                                {"heads", settings_.text_heads},
                                {"layers", settings_.text_layers}}}};
  if (settings_.siglip) open_clip["init_logit_bias"] = settings_.logit_bias_init;
  auto metadata = PreprocessingMetadata(colours_, settings_.image_size);
  metadata.insert({{"format", "pt"},
                   {"objective", "clip"},
                   {"model", "vit"},
                   {"open_clip_kwargs", open_clip.dump()},
                   {"activation", settings_.quick_gelu ? "quick_gelu" : "gelu"},
                   {"layer_norm_eps", "1e-5"},
                   {"loss", settings_.siglip ? "siglip" : "infonce"},
                   {"tokenizer", "clip"},
                   {"features", "class token after visual.ln_post"}});
  return metadata;
}

}  // namespace ocellus::models::objectives
