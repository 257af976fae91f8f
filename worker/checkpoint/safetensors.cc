#include "worker/checkpoint/safetensors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <tuple>

#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian");

using wire::Fault;
using wire::FaultClass;

[[noreturn]] void ThrowWriteFault(const std::string& path, int error) {
  const std::string message = "cannot write " + path + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT) {
    throw Fault(FaultClass::kStorage, "STORE_FULL", message, "free some space and try again");
  }
  if (error == EIO) throw Fault(FaultClass::kStorage, "WRITE_FAILED", message, "check the disk");
  throw Fault(FaultClass::kUser, "CANNOT_WRITE", message,
              "name a file in a folder that exists and that you may write to");
}

// A file that vanishes unless it was finished.
class PartialFile {
 public:
  explicit PartialFile(const std::string& path)
      : path_(path), partial_(path + ".partial-" + std::to_string(getpid())) {
    fd_ = open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd_ < 0) ThrowWriteFault(path_, errno);
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile() {
    if (fd_ >= 0) close(fd_);
    if (!finished_) unlink(partial_.c_str());
  }

  void Append(const void* data, size_t size) {
    const char* at = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t written = write(fd_, at, size);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) ThrowWriteFault(path_, errno);
      at += written;
      size -= static_cast<size_t>(written);
    }
  }

  void Finish() {
    if (fsync(fd_) != 0) ThrowWriteFault(path_, errno);
    if (close(std::exchange(fd_, -1)) != 0) ThrowWriteFault(path_, errno);
    if (rename(partial_.c_str(), path_.c_str()) != 0) ThrowWriteFault(path_, errno);
    finished_ = true;
  }

 private:
  std::string path_;
  std::string partial_;
  int fd_ = -1;
  bool finished_ = false;
};

}  // namespace

size_t DtypeBytes(const std::string& dtype) {
  static const std::map<std::string, size_t> kBytes = {
      {"F64", 8},     {"I64", 8},     {"U64", 8},  {"F32", 4}, {"I32", 4},
      {"U32", 4},     {"F16", 2},     {"BF16", 2}, {"I16", 2}, {"U16", 2},
      {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"I8", 1},   {"U8", 1},  {"BOOL", 1}};
  const auto found = kBytes.find(dtype);
  return found == kBytes.end() ? 0 : found->second;
}

std::optional<size_t> TensorBytes(const std::string& dtype, const std::vector<int64_t>& shape) {
  size_t bytes = DtypeBytes(dtype);
  if (bytes == 0) return std::nullopt;
  for (const int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<size_t>(size), &bytes)) {
      return std::nullopt;
    }
  }
  return bytes;
}

std::vector<TensorView> FileOrder(std::vector<TensorView> tensors) {
  // Wide types first: then every tensor lies at a multiple of its type's size.
  std::sort(tensors.begin(), tensors.end(), [](const TensorView& a, const TensorView& b) {
    const size_t width_a = DtypeBytes(a.dtype), width_b = DtypeBytes(b.dtype);
    return std::tie(width_b, a.dtype, a.name) < std::tie(width_a, b.dtype, b.name);
  });
  return tensors;
}

std::string EncodeHeader(const std::vector<TensorView>& ordered, const Metadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t offset = 0;
  for (const TensorView& tensor : ordered) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + tensor.bytes}}};
    offset += tensor.bytes;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t length = text.size();
  std::string encoded(sizeof length, '\0');
  std::memcpy(encoded.data(), &length, sizeof length);
  return encoded + text;
}

void WriteSafetensors(const std::string& path, const std::vector<TensorView>& tensors,
                      const Metadata& metadata) {
  const std::vector<TensorView> ordered = FileOrder(tensors);
  const std::string header = EncodeHeader(ordered, metadata);
  PartialFile file(path);
  file.Append(header.data(), header.size());
  for (const TensorView& tensor : ordered) file.Append(tensor.data, tensor.bytes);
  file.Finish();
}

}  // namespace ocellus::checkpoint
