// The few system calls that a store in a folder is made of, with errno as their result.
#pragma once

#include <string>
#include <vector>

namespace ocellus::store {

// Closes a file descriptor; a negative one is no file.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  int get() const { return fd_; }

 private:
  int fd_;
};

// Makes the names in a folder durable. 0, or errno. A folder that is gone needs nothing, and file
// systems that cannot sync one (EINVAL) need not.
int SyncFolder(const std::string& path);

// Waits for the folder's lock, `alone` or with others, and returns the descriptor that holds it
// until it is closed; -1 when there is no such folder.
int LockFolder(const std::string& path, bool alone);

// The names in a folder, in no order; none when it is not there. *error: 0, or errno.
std::vector<std::string> NamesIn(const std::string& path, int* error);

}  // namespace ocellus::store
