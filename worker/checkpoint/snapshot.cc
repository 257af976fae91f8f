#include "worker/checkpoint/snapshot.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>
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

FileLayout LayOut(const FileSource& source) {
  std::map<std::string, const TensorSource*> by_name;
  for (const TensorSource& tensor : source.tensors) by_name[tensor.name] = &tensor;
  const std::vector<TensorView> ordered = Describe(source);
  FileLayout layout{.header = EncodeHeader(ordered, source.metadata)};
  for (const TensorView& tensor : ordered) {
    layout.order.push_back(by_name.at(tensor.name));
    layout.data_bytes += tensor.bytes;
  }
  return layout;
}

void CopyValues(const FileLayout& layout, std::byte* to) {
  for (const TensorSource* tensor : layout.order) {
    const size_t bytes = *TensorBytes(tensor->dtype, tensor->shape);
    tensor->copy({to, bytes});
    to += bytes;
  }
}

std::shared_ptr<std::byte[]> AllocatePages(size_t bytes) {
  constexpr size_t kLargePage = 2 << 20;
  const size_t whole = (bytes + kLargePage - 1) / kLargePage * kLargePage;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(kLargePage, whole));
  if (!memory && whole > 0) throw std::bad_alloc();
  // Refused where there are none; the memory serves as well.
  madvise(memory, whole, MADV_HUGEPAGE);
  return {memory, [](std::byte* pages) { std::free(pages); }};
}

Snapshot::Buffer& Snapshot::BufferFor(const std::string& name, size_t bytes) {
  Buffer& buffer = buffers_[name];
  if (!buffer.bytes || buffer.capacity < bytes) buffer = {allocate_(bytes), bytes};
  return buffer;
}

void Snapshot::Reserve(const FileSources& sources) {
  constexpr size_t kPage = 4096;
  for (const auto& [name, source] : sources) {
    const FileLayout layout = LayOut(source);
    const Buffer& buffer = BufferFor(name, layout.header.size() + layout.data_bytes);
    volatile std::byte* const bytes = buffer.bytes.get();
    for (size_t at = 0; at < buffer.capacity; at += kPage) bytes[at] = std::byte{};
  }
}

void Snapshot::Take(const FileSources& sources) {
  files_.clear();
  for (const auto& [name, source] : sources) {
    FileLayout layout = LayOut(source);
    const size_t head = layout.header.size(), bytes = head + layout.data_bytes;
    std::byte* const whole = BufferFor(name, bytes).bytes.get();
    std::memcpy(whole, layout.header.data(), head);
    CopyValues(layout, whole + head);
    files_[name] = {std::move(layout.header), {whole + head, layout.data_bytes}, {whole, bytes}};
  }
}

size_t Snapshot::bytes() const {
  size_t bytes = 0;
  for (const auto& [name, file] : files_) bytes += file.whole.size();
  return bytes;
}

}  // namespace ocellus::checkpoint
