// A copy of the training state in host memory, taken between two steps, so that training goes on
// while it is written.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "worker/checkpoint/safetensors.h"

namespace ocellus::checkpoint {

// A tensor that can be copied out: `copy` fills `bytes` bytes, row-major, and has finished when it
// returns.
struct TensorSource {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  std::function<void(std::span<std::byte>)> copy;
};

struct FileSource {
  std::vector<TensorSource> tensors;
  Metadata metadata;
};

// Files by name ("model.safetensors").
using FileSources = std::map<std::string, FileSource>;

// A file's head, and its tensors in the order in which their values follow.
struct FileLayout {
  std::string header;
  std::vector<const TensorSource*> order;
  size_t data_bytes = 0;
};
FileLayout LayOut(const FileSource& source);
// Copies the values, one after the other.
void CopyValues(const FileLayout& layout, std::byte* to);

// Host memory for a snapshot.
using Allocate = std::function<std::shared_ptr<std::byte[]>(size_t bytes)>;
// Memory in large pages, where the kernel gives them.
std::shared_ptr<std::byte[]> AllocatePages(size_t bytes);

// Not thread-safe: the loop takes it, the writer reads it, never both at once (Writer::busy).
class Snapshot {
 public:
  struct File {
    std::string header;                // as in the file
    std::span<const std::byte> data;   // all values, one after the other
    std::span<const std::byte> whole;  // both
  };

  explicit Snapshot(Allocate allocate = AllocatePages) : allocate_(std::move(allocate)) {}

  // Allocates the buffers that Take will need, and touches their pages: fetching gigabytes from the
  // kernel takes longer than filling them.
  void Reserve(const FileSources& sources);

  // Copies every source. The buffers stay for the next Take, which allocates nothing as long as the
  // shapes are the same.
  void Take(const FileSources& sources);

  // The files of the last Take; valid until the next.
  const std::map<std::string, File>& files() const { return files_; }
  // Header and values of all files.
  size_t bytes() const;

 private:
  struct Buffer {
    std::shared_ptr<std::byte[]> bytes;
    size_t capacity = 0;
  };
  Buffer& BufferFor(const std::string& name, size_t bytes);

  Allocate allocate_;
  std::map<std::string, Buffer> buffers_;
  std::map<std::string, File> files_;
};

}  // namespace ocellus::checkpoint
