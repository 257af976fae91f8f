#include <cstring>

#include "models/weights/dtypes.h"
#include "models/weights/weights.h"

namespace ocellus::models::weights {
namespace {

checkpoint::TensorSource SourceOf(const std::string& name, const torch::Tensor& tensor) {
  const auto copy = [tensor](std::span<std::byte> to) {
    const torch::NoGradGuard no_grad;
    torch::from_blob(to.data(), tensor.sizes(), torch::dtype(tensor.scalar_type())).copy_(tensor);
  };
  return {name, FileType(tensor.scalar_type()), tensor.sizes().vec(), copy};
}

}  // namespace

checkpoint::FileSource Source(const Tensors& tensors, const checkpoint::Metadata& metadata) {
  checkpoint::FileSource source{.metadata = metadata};
  for (const auto& [name, tensor] : tensors) source.tensors.push_back(SourceOf(name, tensor));
  return source;
}

void WriteTensors(const Tensors& tensors, const checkpoint::Metadata& metadata,
                  const std::string& path) {
  std::vector<torch::Tensor> held;  // until they are written
  std::vector<checkpoint::TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor& host = held.emplace_back(tensor.detach().cpu().contiguous());
    views.push_back({name, FileType(host.scalar_type()), host.sizes().vec(),
                     static_cast<const std::byte*>(host.const_data_ptr()), host.nbytes()});
  }
  checkpoint::WriteSafetensors(path, views, metadata);
}

void ExportFull(Objective& objective, const std::string& path) {
  WriteTensors(State(objective), {{"format", "pt"}}, path);
}

void ExportEncoder(Objective& objective, const std::string& path) {
  WriteTensors(objective.encoder_weights(), objective.encoder_metadata(), path);
}

}  // namespace ocellus::models::weights
