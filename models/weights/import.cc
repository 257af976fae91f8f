#include "models/weights/import.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "models/optim/state_check.h"
#include "models/weights/names.h"
#include "models/weights/weights.h"

namespace ocellus::models::weights {
namespace {

// A trained side and the slow copy of it, in the methods that have one.
constexpr std::pair<const char*, const char*> kSlowCopies[] = {
    {"base_encoder.", "momentum_encoder."}, {"online.", "target."}};

// In the type and, for a single number, the shape of `like`: files have it as [] or [1].
torch::Tensor Fitted(const torch::Tensor& value, const torch::Tensor& like) {
  torch::Tensor fitted = value;
  if (value.numel() == 1 && like.numel() == 1) fitted = fitted.reshape(like.sizes());
  const bool both_real = value.is_floating_point() && like.is_floating_point();
  return both_real ? fitted.to(like.scalar_type()) : fitted;
}

Tensors Renamed(const Renaming& names, const Tensors& given, const Tensors& own) {
  Tensors renamed;
  for (const auto& [name, origin] : names) {
    const auto like = own.find(name);
    const torch::Tensor& value = given.at(origin);
    renamed[name] = like == own.end() ? value : Fitted(value, like->second);
  }
  return renamed;
}

std::string List(const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  std::string text = what + std::to_string(names.size()) + ":";
  for (const std::string& name : names) text += " " + name;
  return text + "\n";
}

// The objective's names of tensors that share their memory with the encoder's.
std::set<std::string> OwnNames(const Tensors& state, const Tensors& encoder) {
  std::set<const void*> memory;
  for (const auto& [name, tensor] : encoder) memory.insert(tensor.const_data_ptr());
  std::set<std::string> names;
  for (const auto& [name, tensor] : state) {
    if (memory.contains(tensor.const_data_ptr())) names.insert(name);
  }
  return names;
}

// Gives slow copies the values of what was filled, and adds their names.
void FillSlowCopies(Tensors& state, std::set<std::string>* filled) {
  std::set<std::string> more;
  for (const std::string& name : *filled) {
    for (const auto& [source, copy] : kSlowCopies) {
      if (!name.starts_with(source)) continue;
      const auto slow = state.find(copy + name.substr(std::string(source).size()));
      if (slow == state.end()) continue;
      slow->second.copy_(state.at(name));
      more.insert(slow->first);
    }
  }
  filled->merge(more);
}

ImportReport ImportAll(const Tensors& given, const std::string& origin, Tensors state) {
  const Tensors renamed = Renamed(WholeNames(state, given), given, state);
  optim::CheckState(state, renamed, origin);
  ImportReport report;
  for (auto& [name, tensor] : state) {
    tensor.copy_(renamed.at(name));
    report.filled.push_back(name);
  }
  return report;
}

ImportReport ImportEncoder(Objective& objective, const Tensors& given, const std::string& origin,
                           Tensors state) {
  Tensors encoder = objective.encoder_weights();
  const Renaming names = EncoderNames(encoder, given);
  const Tensors renamed = Renamed(names, given, encoder);
  optim::CheckState(encoder, renamed, origin);
  for (auto& [name, tensor] : encoder) tensor.copy_(renamed.at(name));

  std::set<std::string> filled = OwnNames(state, encoder), used;
  if (filled.size() != encoder.size()) {
    throw std::logic_error("an encoder's weights are not those of its objective");
  }
  FillSlowCopies(state, &filled);
  for (const auto& [name, source] : names) used.insert(source);

  ImportReport report{.filled = {filled.begin(), filled.end()}};
  for (const auto& [name, tensor] : state) {
    if (!filled.contains(name)) report.kept.push_back(name);
  }
  for (const auto& [name, tensor] : given) {
    if (!used.contains(name)) report.left_out.push_back(name);
  }
  return report;
}

}  // namespace

std::string ImportReport::Text() const {
  return List("filled ", filled) + List("kept at the initial value ", kept) +
         List("left out of the file ", left_out);
}

ImportReport Import(Objective& objective, const Tensors& given, ImportPart part,
                    const std::string& origin) {
  const torch::NoGradGuard no_grad;
  if (part == ImportPart::kAll) return ImportAll(given, origin, State(objective));
  return ImportEncoder(objective, given, origin, State(objective));
}

bool IsEncoderAlone(Objective& objective, const Tensors& given) {
  const Tensors encoder = objective.encoder_weights();
  return given.size() == encoder.size() && EncoderNames(encoder, given).size() == encoder.size();
}

}  // namespace ocellus::models::weights
