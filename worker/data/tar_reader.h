// The members of a tar file, headers only: ustar, pax (path and size records) and GNU (long names,
// base-256 sizes).
#pragma once

#include <cstdint>
#include <string>

#include "worker/data/byte_source.h"

namespace ocellus::data {

struct TarEntry {
  std::string name;
  int64_t offset = 0;  // of the content
  int64_t bytes = 0;
};

// Reads from front to back; not thread-safe.
class TarReader {
 public:
  // `file` must outlive the reader.
  explicit TarReader(const ByteSource& file) : file_(file) {}

  // The next regular file; false at the end-of-archive mark. Throws wire::Fault (user, BAD_SHARD)
  // with file and offset when the file ends before that mark, or a header's check sum is wrong.
  bool Next(TarEntry* entry);

 private:
  bool ReadHeader(char* header);
  std::string ReadText(int64_t bytes, const char* what) const;
  void ApplyPax(const std::string& records);
  [[noreturn]] void ThrowTruncated(const std::string& what) const;
  [[noreturn]] void ThrowDamaged(const std::string& what) const;

  const ByteSource& file_;
  int64_t at_ = 0;         // of the next header
  std::string long_name_;  // from a pax or GNU header, for the next member
  int64_t long_bytes_ = -1;
};

}  // namespace ocellus::data
