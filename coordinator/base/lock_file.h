// One process a data folder: an OS file lock that ends with its holder, however that dies.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace ocellus::coordinator {

class LockFile {
 public:
  // Takes <data_dir>/lock (the folder is made when absent) and writes our pid into it.
  // FAILED_PRECONDITION when another process holds it; the message names that pid and what to do.
  // `program` is for the message.
  static absl::StatusOr<std::unique_ptr<LockFile>> Acquire(const std::string& data_dir,
                                                           const std::string& program);
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace ocellus::coordinator
