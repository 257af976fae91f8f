#include "worker/data/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

[[noreturn]] void ThrowUnreadable(const std::string& path, const std::string& why) {
  throw wire::Fault(wire::FaultClass::kStorage, "DATA_UNREADABLE", path + ": " + why,
                    "check the disk or the network file system that holds it");
}

[[noreturn]] void ThrowNotOpened(const std::string& path, int error) {
  if (error != ENOENT && error != EACCES && error != ENOTDIR) {
    ThrowUnreadable(path, std::string("cannot open: ") + std::strerror(error));
  }
  throw wire::Fault(wire::FaultClass::kUser, "NO_DATA",
                    path + ": cannot open: " + std::strerror(error),
                    "check the path and its permissions on this machine");
}

}  // namespace

File::File(std::string path) : path_(std::move(path)) {
  fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) ThrowNotOpened(path_, errno);
  struct stat status {};
  if (fstat(fd_, &status) != 0) {
    const int error = errno;
    close(fd_);
    ThrowUnreadable(path_, std::strerror(error));
  }
  stamp_ = {status.st_size,
            int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

File::~File() { close(fd_); }

int64_t File::Read(int64_t offset, int64_t count, char* out) const {
  int64_t done = 0;
  while (done < count) {
    const ssize_t got = pread(fd_, out + done, count - done, offset + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) ThrowUnreadable(path_, std::strerror(errno));
    if (got == 0) break;
    done += got;
  }
  return done;
}

void File::Touch() const { futimens(fd_, nullptr); }

std::string ByteSource::ReadExactly(int64_t offset, int64_t count) const {
  std::string bytes(count, '\0');
  if (Read(offset, count, bytes.data()) != count) {
    ThrowUnreadable(name(), "ends before byte " + std::to_string(offset + count) +
                                ": it was changed during the run");
  }
  return bytes;
}

std::shared_ptr<const File> OpenFiles::Get(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (const auto found = open_.find(path); found != open_.end()) return found->second;
  auto file = std::make_shared<const File>(path);
  if (opened_.size() >= kMost) {
    open_.erase(opened_.front());
    opened_.pop_front();
  }
  opened_.push_back(path);
  return open_[path] = file;
}

void OpenFiles::Close(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (open_.erase(path) > 0) opened_.remove(path);
}

}  // namespace ocellus::data
