#include "worker/store/local_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace ocellus::store {

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

int SyncFolder(const std::string& path) {
  const Descriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return errno == ENOENT ? 0 : errno;
  return fsync(folder.get()) == 0 || errno == EINVAL ? 0 : errno;
}

int LockFolder(const std::string& path, bool alone) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  while (flock(fd, alone ? LOCK_EX : LOCK_SH) != 0 && errno == EINTR) {
  }
  return fd;
}

std::vector<std::string> NamesIn(const std::string& path, int* error) {
  std::vector<std::string> names;
  *error = 0;
  DIR* folder = opendir(path.c_str());
  if (!folder) {
    if (errno != ENOENT && errno != ENOTDIR) *error = errno;
    return names;
  }
  errno = 0;
  while (const dirent* entry = readdir(folder)) names.emplace_back(entry->d_name);
  *error = errno;
  closedir(folder);
  return names;
}

}  // namespace ocellus::store
