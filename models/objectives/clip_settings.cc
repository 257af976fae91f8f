#include <nlohmann/json.hpp>

#include "models/objectives/clip_network.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

[[noreturn]] void ThrowBadClip(const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", message,
                    "see `ocellus explain objective.clip` and `ocellus explain model.vit`");
}

void CheckDivides(const std::string& whole_key, int64_t whole, const std::string& part_key,
                  int64_t part) {
  if (part > 0 && whole % part == 0) return;
  ThrowBadClip(whole_key + ": " + std::to_string(whole) + " is not divisible by " + part_key +
               " = " + std::to_string(part));
}

void Check(const ClipSettings& settings) {
  CheckDivides("model.vit.image_size", settings.image_size, "model.vit.patch_size",
               settings.patch_size);
  CheckDivides("model.vit.dim", settings.dim, "model.vit.heads", settings.heads);
  CheckDivides("objective.clip.text.width", settings.text_width, "objective.clip.text.heads",
               settings.text_heads);
  if (settings.logit_scale_max < 1) {
    ThrowBadClip("objective.clip.logit_scale_max: below 1, the least that the scale is held to");
  }
  if (settings.logit_scale_init < 1 || settings.logit_scale_init > settings.logit_scale_max) {
    ThrowBadClip("objective.clip.logit_scale_init: " + std::to_string(settings.logit_scale_init) +
                 " is outside of [1, logit_scale_max = " +
                 std::to_string(settings.logit_scale_max) + "], to which every step holds it");
  }
}

}  // namespace

ClipSettings ParseClipSettings(const nlohmann::json& document) {
  ClipSettings settings;
  try {
    const nlohmann::json& clip = document.at("objective").at("clip");
    const nlohmann::json& model = document.at("model");
    if (!model.contains("vit")) {
      ThrowBadClip("model: the objective clip needs model.vit, not model." +
                   (model.empty() ? std::string("nothing") : model.begin().key()));
    }
    const nlohmann::json &vit = model["vit"], &text = clip.at("text");
    settings.siglip = clip.at("loss") == "siglip";
    settings.embed_dim = clip.at("embed_dim");
    settings.image_size = vit.at("image_size");
    settings.patch_size = vit.at("patch_size");
    settings.dim = vit.at("dim");
    settings.depth = vit.at("depth");
    settings.heads = vit.at("heads");
    settings.mlp_ratio = vit.at("mlp_ratio");
    settings.recompute = vit.value("recompute", false);
    settings.text_width = text.at("width");
    settings.text_heads = text.at("heads");
    settings.text_layers = text.at("layers");
    settings.vocab_size = text.at("vocab_size");
    settings.context_length = text.at("context_length");
    settings.quick_gelu = clip.at("quick_gelu");
    // Its default is the loss's own.
    settings.logit_scale_init = clip.value("logit_scale_init", settings.siglip ? 10.0 : 1 / 0.07);
    settings.logit_scale_max = clip.at("logit_scale_max");
    settings.logit_bias_init = clip.at("logit_bias_init");
    settings.chunk = clip.at("chunk");
  } catch (const nlohmann::json::exception& error) {
    ThrowBadClip(std::string("objective.clip: ") + error.what());
  }
  Check(settings);
  return settings;
}

}  // namespace ocellus::models::objectives
