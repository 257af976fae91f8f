#include "worker/store/local_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <utility>

#include "worker/store/local_file.h"

namespace ocellus::store {
namespace {

std::string NextPath(const std::string& root) {
  static std::atomic<uint64_t> count{0};
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  char name[96];
  std::snprintf(name, sizeof(name), "%ld-%lld%09ld-%llu", static_cast<long>(getpid()),
                static_cast<long long>(now.tv_sec), now.tv_nsec,
                static_cast<unsigned long long>(count++));
  return root + "/" + kTemporaryFolder + "/" + name;
}

}  // namespace

LocalWriter::LocalWriter(LocalStore* store, std::string key)
    : store_(store), key_(std::move(key)), path_(NextPath(store->root_)) {
  fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd_ < 0) store_->Fail("writing", key_, errno);
  flock(fd_, LOCK_EX | LOCK_NB);
  file_.emplace(fd_);
}

LocalWriter::~LocalWriter() {
  file_.reset();
  if (fd_ >= 0) close(fd_);
  unlink(path_.c_str());
}

void LocalWriter::Append(std::span<const std::byte> part) {
  const int error = file_->Append(part);
  if (error) store_->Fail("writing", key_, error);
}

bool LocalWriter::Finish(const LocalStore::Precondition& must) {
  const int error = file_->Finish();
  if (error) store_->Fail("writing", key_, error);
  // The kernel's own times are too coarse to tell versions apart.
  timespec now[2] = {};
  clock_gettime(CLOCK_REALTIME, &now[1]);
  now[0].tv_nsec = UTIME_OMIT;
  futimens(fd_, now);
  if (fsync(fd_) != 0) store_->Fail("syncing", key_, errno);
  const int closed = close(std::exchange(fd_, -1));
  if (closed != 0 && errno != EINTR) store_->Fail("closing", key_, errno);
  return store_->Publish(path_, key_, must);
}

}  // namespace ocellus::store
