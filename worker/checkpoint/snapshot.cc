#include "worker/checkpoint/snapshot.h"

#include <stdexcept>

namespace ocellus::checkpoint {
namespace {

// Views without data: enough for the header and the order.
std::vector<TensorView> Describe(const FileSource& source) {
  std::vector<TensorView> tensors;
  for (const TensorSource& tensor : source.tensors) {
    const std::optional<size_t> bytes = TensorBytes(tensor.dtype, tensor.shape);
    if (!bytes) throw std::logic_error("a tensor of unknown type or size: " + tensor.name);
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape, nullptr, *bytes});
  }
  return FileOrder(std::move(tensors));
}

}  // namespace

void Snapshot::Take(const FileSources& sources) {
  files_.clear();
  for (const auto& [name, source] : sources) {
    std::map<std::string, const TensorSource*> by_name;
    for (const TensorSource& tensor : source.tensors) by_name[tensor.name] = &tensor;
    const std::vector<TensorView> ordered = Describe(source);
    size_t bytes = 0;
    for (const TensorView& tensor : ordered) bytes += tensor.bytes;

    Buffer& buffer = buffers_[name];
    if (buffer.capacity < bytes) {
      buffer.bytes = std::make_unique_for_overwrite<std::byte[]>(bytes);
      buffer.capacity = bytes;
    }
    std::byte* at = buffer.bytes.get();
    for (const TensorView& tensor : ordered) {
      by_name.at(tensor.name)->copy({at, tensor.bytes});
      at += tensor.bytes;
    }
    files_[name] = {EncodeHeader(ordered, source.metadata), {buffer.bytes.get(), bytes}};
  }
}

size_t Snapshot::bytes() const {
  size_t bytes = 0;
  for (const auto& [name, file] : files_) bytes += file.header.size() + file.data.size();
  return bytes;
}

}  // namespace ocellus::checkpoint
