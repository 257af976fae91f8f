#include "models/weights/names.h"

#include <algorithm>

namespace ocellus::models::weights {
namespace {

// What DistributedDataParallel, checkpoint writers and Lightning put in front of every name.
constexpr const char* kWrappers[] = {"module.", "model.", "state_dict.", "_orig_mod."};

// What methods and libraries call the encoder: this program's, moco-v3's, open_clip's (with timm's
// towers below `trunk`), and common ones.
constexpr const char* kEncoders[] = {"",        "base_encoder.", "online.encoder.", "encoder.",
                                     "visual.", "visual.trunk.", "backbone.",       "trunk."};

bool AllBegin(const Renaming& names, const std::string& prefix) {
  return !names.empty() && std::all_of(names.begin(), names.end(), [&](const auto& item) {
    return item.first.starts_with(prefix);
  });
}

Renaming WithoutPrefix(const Renaming& names, const std::string& prefix) {
  Renaming shorter;
  for (const auto& [name, origin] : names) shorter[name.substr(prefix.size())] = origin;
  return shorter;
}

Renaming Unwrapped(const Tensors& given) {
  Renaming names;
  for (const auto& [name, tensor] : given) names[name] = name;
  for (bool found = true; found;) {
    found = false;
    for (const char* wrapper : kWrappers) {
      if (!AllBegin(names, wrapper)) continue;
      names = WithoutPrefix(names, wrapper);
      found = true;
    }
  }
  return names;
}

}  // namespace

Renaming WholeNames(const Tensors& own, const Tensors& given) {
  Renaming names;
  for (const auto& [name, origin] : Unwrapped(given)) {
    // open_clip's CustomTextCLIP has the text tower one level down.
    const bool below = name.starts_with("text.") && !own.contains(name);
    const std::string above = below ? name.substr(5) : name;
    names[own.contains(above) ? above : name] = origin;
  }
  return names;
}

Renaming EncoderNames(const Tensors& encoder, const Tensors& given) {
  const Renaming all = Unwrapped(given);
  Renaming best;
  for (const std::string prefix : kEncoders) {
    Renaming found;
    for (const auto& [name, tensor] : encoder) {
      const auto origin = all.find(prefix + name);
      if (origin != all.end()) found[name] = origin->second;
    }
    if (found.size() > best.size()) best = std::move(found);
  }
  return best;
}

}  // namespace ocellus::models::weights
