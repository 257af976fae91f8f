// A file opened for reading at offsets.
#pragma once

#include <cstdint>
#include <string>

namespace ocellus::data {

// What tells one version of a file from another.
struct FileStamp {
  int64_t bytes = 0;
  int64_t modified_ns = 0;  // since 1970
  bool operator==(const FileStamp&) const = default;
};

// Owns the descriptor. Thread-safe: reads carry their offset.
class File {
 public:
  // Throws wire::Fault: NO_DATA (user) when there is no such file or no right to read it, else
  // DATA_UNREADABLE (storage).
  explicit File(std::string path);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& path() const { return path_; }
  const FileStamp& stamp() const { return stamp_; }  // when it was opened

  // Up to `count` bytes at `offset`; fewer only at the end of the file. Throws wire::Fault
  // (DATA_UNREADABLE, storage) on an I/O error.
  int64_t Read(int64_t offset, int64_t count, char* out) const;
  // Exactly `count` bytes; a file that ends before is DATA_UNREADABLE: it has changed.
  std::string ReadExactly(int64_t offset, int64_t count) const;

 private:
  std::string path_;
  int fd_ = -1;
  FileStamp stamp_;
};

}  // namespace ocellus::data
