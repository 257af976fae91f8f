// The safetensors format at the level of bytes: names, types, shapes and where the values lie.
// FORMAT.md has the layout. No LibTorch here, so that a checkpoint can be checked without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/wire/fault.h"

namespace ocellus::checkpoint {

// A tensor whose values lie somewhere else. Row-major and without gaps.
struct TensorView {
  std::string name;
  std::string dtype;           // as in the file: "F32", "I64", "BF16" ...
  std::vector<int64_t> shape;  // empty: a scalar
  const std::byte* data = nullptr;
  size_t bytes = 0;
};

using Metadata = std::map<std::string, std::string>;

// Bytes of one value, 0 for a type that the format does not have.
size_t DtypeBytes(const std::string& dtype);

// Bytes of a tensor of that type and shape; nothing for an unknown type, a negative size or a
// product that does not fit.
std::optional<size_t> TensorBytes(const std::string& dtype, const std::vector<int64_t>& shape);

// Where the values of `tensors` go in a file: wide types first, then by name.
std::vector<TensorView> FileOrder(std::vector<TensorView> tensors);

// The head of a file that holds `ordered` (FileOrder) one after the other: length and JSON, padded
// to a multiple of 8. The same tensors give the same bytes.
std::string EncodeHeader(const std::vector<TensorView>& ordered, const Metadata& metadata);

// Writes a whole file to `path`: beside it first, then renamed, so that a reader sees all or
// nothing. Throws wire::Fault with path and cause: CANNOT_WRITE (user) when the place cannot be
// written to, STORE_FULL or WRITE_FAILED (storage). Nothing is left behind then.
void WriteSafetensors(const std::string& path, const std::vector<TensorView>& tensors,
                      const Metadata& metadata);

// A file whose bytes are in memory (mapped or owned). Copies share the bytes; the views are valid
// as long as one copy lives.
class SafetensorsFile {
 public:
  SafetensorsFile() = default;

  // Maps a local file that somebody named. Throws wire::Fault (user): NO_SUCH_FILE when it cannot
  // be opened, CORRUPT_FILE when it is no sound safetensors file; the message names file and place.
  static SafetensorsFile Map(const std::string& path);

  // Takes bytes that came from a store; `origin` names them in messages. Throws CORRUPT_FILE
  // (storage).
  static SafetensorsFile Parse(std::shared_ptr<const std::byte[]> bytes, size_t size,
                               const std::string& origin);

  // The tensors of all parts as one file's. Throws CORRUPT_FILE (storage) when a tensor is in two.
  static SafetensorsFile Join(const std::vector<SafetensorsFile>& parts, const std::string& origin);

  // By place in the file.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  const Metadata& metadata() const { return metadata_; }
  const TensorView* Find(const std::string& name) const;  // null when absent
  const std::string& origin() const { return origin_; }
  // Keeps the bytes alive.
  std::shared_ptr<const std::byte[]> bytes() const { return bytes_; }

 private:
  static SafetensorsFile Make(std::shared_ptr<const std::byte[]> bytes, size_t size,
                              const std::string& origin, wire::FaultClass fault_class);

  std::shared_ptr<const std::byte[]> bytes_;
  std::string origin_;
  std::vector<TensorView> tensors_;
  Metadata metadata_;
};

}  // namespace ocellus::checkpoint
