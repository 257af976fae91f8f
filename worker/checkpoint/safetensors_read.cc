#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "worker/checkpoint/safetensors.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

using nlohmann::json;
using wire::Fault;
using wire::FaultClass;

// The limit of the reference implementation.
constexpr uint64_t kHeaderBytesMax = 100'000'000;
constexpr size_t kLengthBytes = 8;

// Thrown inside this file with the bare cause; turned into a Fault that names the file.
struct Corrupt {
  std::string cause;
};

json ParseHeaderText(const char* begin, const char* end) {
  std::set<std::string> names;
  std::string twice;
  const auto watch_names = [&](int depth, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::key && depth == 1) {
      const std::string name = parsed.get<std::string>();
      if (!names.insert(name).second && twice.empty()) twice = name;
    }
    return true;
  };
  json header = json::parse(begin, end, watch_names, /*allow_exceptions=*/false);
  if (header.is_discarded() || !header.is_object()) throw Corrupt{"its header is no JSON object"};
  if (!twice.empty()) throw Corrupt{"its header names '" + twice + "' twice"};
  return header;
}

uint64_t Offset(const std::string& name, const json& value) {
  if (!value.is_number_unsigned()) throw Corrupt{"'" + name + "' has a bad data offset"};
  return value.get<uint64_t>();
}

TensorView ParseEntry(const std::string& name, const json& entry, const std::byte* data,
                      size_t data_bytes) {
  TensorView tensor{.name = name};
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() ||
      !entry.contains("shape") || !entry["shape"].is_array() || !entry.contains("data_offsets") ||
      !entry["data_offsets"].is_array() || entry["data_offsets"].size() != 2) {
    throw Corrupt{"'" + name + "' lacks a sound dtype, shape or data_offsets"};
  }
  tensor.dtype = entry["dtype"].get<std::string>();
  for (const json& size : entry["shape"]) {
    if (!size.is_number_unsigned() || size.get<uint64_t>() > INT64_MAX) {
      throw Corrupt{"'" + name + "' has a bad size in its shape"};
    }
    tensor.shape.push_back(size.get<int64_t>());
  }
  const uint64_t begin = Offset(name, entry["data_offsets"][0]);
  const uint64_t end = Offset(name, entry["data_offsets"][1]);
  if (begin > end || end > data_bytes) {
    throw Corrupt{"'" + name + "' ends at byte " + std::to_string(end) + " of " +
                  std::to_string(data_bytes) + ": the file is cut off or damaged"};
  }
  const std::optional<size_t> bytes = TensorBytes(tensor.dtype, tensor.shape);
  if (!bytes) throw Corrupt{"'" + name + "' has the unknown type or size " + entry.dump()};
  if (*bytes != end - begin) {
    throw Corrupt{"'" + name + "' has " + std::to_string(end - begin) + " bytes, its shape needs " +
                  std::to_string(*bytes)};
  }
  tensor.data = data + begin;
  tensor.bytes = *bytes;
  return tensor;
}

// Every byte belongs to exactly one tensor.
void CheckCover(const std::vector<TensorView>& ordered, const std::byte* data, size_t data_bytes) {
  const std::byte* at = data;
  for (const TensorView& tensor : ordered) {
    if (tensor.data < at) throw Corrupt{"'" + tensor.name + "' overlaps another tensor"};
    if (tensor.data > at) throw Corrupt{"there is a gap before '" + tensor.name + "'"};
    at = tensor.data + tensor.bytes;
  }
  const size_t covered = static_cast<size_t>(at - data);
  if (covered != data_bytes) {
    throw Corrupt{std::to_string(data_bytes - covered) + " bytes after the last tensor"};
  }
}

std::vector<TensorView> ParseTensors(const std::byte* bytes, size_t size, Metadata* metadata) {
  uint64_t length = 0;
  if (size < kLengthBytes) throw Corrupt{"it has only " + std::to_string(size) + " bytes"};
  std::memcpy(&length, bytes, kLengthBytes);
  if (length > kHeaderBytesMax) {
    throw Corrupt{"it claims a header of " + std::to_string(length) +
                  " bytes; is it a safetensors file?"};
  }
  if (length > size - kLengthBytes) throw Corrupt{"it is cut off inside its header"};

  const char* text = reinterpret_cast<const char*>(bytes) + kLengthBytes;
  const json header = ParseHeaderText(text, text + length);
  const std::byte* data = bytes + kLengthBytes + length;
  const size_t data_bytes = size - kLengthBytes - length;
  std::vector<TensorView> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name != "__metadata__") {
      tensors.push_back(ParseEntry(name, entry, data, data_bytes));
      continue;
    }
    if (!entry.is_object()) throw Corrupt{"its __metadata__ is no object"};
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) throw Corrupt{"its __metadata__ '" + key + "' is no text"};
      (*metadata)[key] = value.get<std::string>();
    }
  }
  std::stable_sort(tensors.begin(), tensors.end(), [](const TensorView& a, const TensorView& b) {
    return std::tie(a.data, a.bytes) < std::tie(b.data, b.bytes);
  });
  CheckCover(tensors, data, data_bytes);
  return tensors;
}

struct Mapping {
  std::shared_ptr<const std::byte[]> bytes;
  size_t size = 0;
};

Mapping MapWhole(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  const bool regular = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  if (!regular) {
    const std::string cause = fd < 0 ? std::strerror(errno) : "not a regular file";
    if (fd >= 0) close(fd);
    throw Fault(FaultClass::kUser, "NO_SUCH_FILE", "cannot read " + path + ": " + cause,
                "name a safetensors file that exists and that you may read");
  }
  const size_t size = static_cast<size_t>(status.st_size);
  void* at = size == 0 ? nullptr : mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  const int error = errno;
  close(fd);
  if (at == MAP_FAILED) {
    throw Fault(FaultClass::kStorage, "READ_FAILED",
                "cannot map " + path + ": " + std::strerror(error));
  }
  const auto unmap = [size](const std::byte* bytes) {
    if (bytes != nullptr) munmap(const_cast<std::byte*>(bytes), size);
  };
  return {std::shared_ptr<const std::byte[]>(static_cast<const std::byte*>(at), unmap), size};
}

}  // namespace

SafetensorsFile SafetensorsFile::Make(std::shared_ptr<const std::byte[]> bytes, size_t size,
                                      const std::string& origin, wire::FaultClass fault_class) {
  SafetensorsFile file;
  file.bytes_ = std::move(bytes);
  file.origin_ = origin;
  try {
    file.tensors_ = ParseTensors(file.bytes_.get(), size, &file.metadata_);
  } catch (const Corrupt& corrupt) {
    throw Fault(fault_class, "CORRUPT_FILE",
                origin + " is no sound safetensors file: " + corrupt.cause,
                "take another copy of the file");
  }
  return file;
}

SafetensorsFile SafetensorsFile::Map(const std::string& path) {
  Mapping mapping = MapWhole(path);
  return Make(std::move(mapping.bytes), mapping.size, path, FaultClass::kUser);
}

SafetensorsFile SafetensorsFile::Parse(std::shared_ptr<const std::byte[]> bytes, size_t size,
                                       const std::string& origin) {
  return Make(std::move(bytes), size, origin, FaultClass::kStorage);
}

SafetensorsFile SafetensorsFile::Join(const std::vector<SafetensorsFile>& parts,
                                      const std::string& origin) {
  SafetensorsFile whole;
  whole.origin_ = origin;
  const auto held = std::make_shared<std::vector<SafetensorsFile>>(parts);
  whole.bytes_ = std::shared_ptr<const std::byte[]>(held, nullptr);
  std::set<std::string> names;
  for (const SafetensorsFile& part : *held) {
    whole.metadata_.insert(part.metadata().begin(), part.metadata().end());
    for (const TensorView& tensor : part.tensors()) {
      if (!names.insert(tensor.name).second) {
        throw Fault(FaultClass::kStorage, "CORRUPT_FILE",
                    origin + " has '" + tensor.name + "' in two slices");
      }
      whole.tensors_.push_back(tensor);
    }
  }
  return whole;
}

const TensorView* SafetensorsFile::Find(const std::string& name) const {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](const TensorView& tensor) { return tensor.name == name; });
  return found == tensors_.end() ? nullptr : &*found;
}

}  // namespace ocellus::checkpoint
