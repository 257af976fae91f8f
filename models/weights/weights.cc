#include "models/weights/weights.h"

#include <cstring>
#include <fstream>
#include <memory>

#include "models/optim/state_check.h"
#include "models/weights/dtypes.h"
#include "worker/wire/fault.h"

namespace ocellus::models::weights {
namespace {

// A tensor over the file's bytes, which it keeps alive; a copy where they do not lie at a multiple
// of the type's size.
torch::Tensor Wrap(const checkpoint::TensorView& view, torch::ScalarType type,
                   const std::shared_ptr<const std::byte[]>& owner) {
  void* data = const_cast<std::byte*>(view.data);
  if (reinterpret_cast<uintptr_t>(data) % checkpoint::DtypeBytes(view.dtype) == 0) {
    return torch::from_blob(
        data, view.shape, [owner](void*) {}, torch::dtype(type));
  }
  torch::Tensor copy = torch::empty(view.shape, type);
  std::memcpy(copy.data_ptr(), data, view.bytes);
  return copy;
}

// A .pth file is a zip archive, or a pickle in old ones. The first bytes of a safetensors file are
// a length, which may look like either; then comes a brace.
bool IsPyTorchFile(const std::string& path) {
  char head[9] = {};
  std::ifstream(path, std::ios::binary).read(head, sizeof head);
  const bool archive = (head[0] == 'P' && head[1] == 'K') || head[0] == '\x80';
  return archive && head[8] != '{';
}

void CheckNotPyTorch(const std::string& path) {
  if (!IsPyTorchFile(path)) return;
  throw wire::Fault(wire::FaultClass::kUser, "WEIGHTS_MISMATCH",
                    path + " is a PyTorch file, not safetensors",
                    "convert it once: python -c \"import torch, safetensors.torch as s; w = "
                    "torch.load('in.pth', map_location='cpu', weights_only=True); "
                    "s.save_file(w.get('model', w), 'out.safetensors')\"");
}

}  // namespace

Tensors State(Objective& objective) {
  Tensors state;
  for (const auto& item : objective.module().named_parameters()) {
    state[item.key()] = item.value().detach();
  }
  for (const auto& item : objective.module().named_buffers()) {
    state[item.key()] = item.value().detach();
  }
  return state;
}

Tensors FromFile(const checkpoint::SafetensorsFile& file) {
  Tensors tensors;
  for (const checkpoint::TensorView& view : file.tensors()) {
    const std::optional<torch::ScalarType> type = TorchType(view.dtype);
    if (!type) {
      throw wire::Fault(
          wire::FaultClass::kUser, "WEIGHTS_MISMATCH",
          file.origin() + ": " + view.name + " has the type " + view.dtype + ", which is not read",
          "convert it to F32");
    }
    tensors[view.name] = Wrap(view, *type, file.bytes());
  }
  return tensors;
}

void LoadState(Objective& objective, const Tensors& tensors, const std::string& origin) {
  const torch::NoGradGuard no_grad;
  Tensors own = State(objective), given = tensors;
  for (auto& [name, tensor] : given) {
    const auto like = own.find(name);
    if (like == own.end() || like->second.dim() + tensor.dim() != 1) continue;
    // A scalar, which some writers store as [1].
    if (tensor.numel() == like->second.numel()) tensor = tensor.reshape(like->second.sizes());
  }
  optim::CheckState(own, given, origin);
  for (auto& [name, tensor] : own) tensor.copy_(given.at(name));
}

Tensors ReadFile(const std::string& path) {
  CheckNotPyTorch(path);
  return FromFile(checkpoint::SafetensorsFile::Map(path));
}

void LoadFile(Objective& objective, const std::string& path) {
  LoadState(objective, ReadFile(path), path);
}

}  // namespace ocellus::models::weights
