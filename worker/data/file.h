// A file opened for reading at offsets.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "worker/data/byte_source.h"

namespace ocellus::data {

// What tells one version of a file from another.
struct FileStamp {
  int64_t bytes = 0;
  int64_t modified_ns = 0;  // since 1970
  bool operator==(const FileStamp&) const = default;
};

// Owns the descriptor. Thread-safe: reads carry their offset.
class File final : public ByteSource {
 public:
  // Throws wire::Fault: NO_DATA (user) when there is no such file or no right to read it, else
  // DATA_UNREADABLE (storage).
  explicit File(std::string path);
  ~File() override;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& path() const { return path_; }
  const FileStamp& stamp() const { return stamp_; }  // when it was opened
  const std::string& name() const override { return path_; }
  int64_t bytes() const override { return stamp_.bytes; }
  int64_t Read(int64_t offset, int64_t count, char* out) const override;
  // Makes now the time of its last use. Best effort.
  void Touch() const;

 private:
  std::string path_;
  int fd_ = -1;
  FileStamp stamp_;
};

// Files that are read again and again, of which few stay open. Thread-safe.
class OpenFiles {
 public:
  static constexpr size_t kMost = 256;  // descriptors held at a time

  // Throws as File does.
  std::shared_ptr<const File> Get(const std::string& path);
  // The next Get opens it anew.
  void Close(const std::string& path);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const File>> open_;  // guarded by mutex_
  std::list<std::string> opened_;                            // guarded by mutex_; oldest first
};

}  // namespace ocellus::data
