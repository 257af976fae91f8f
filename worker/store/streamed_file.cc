#include "worker/store/streamed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace ocellus::store {
namespace {

constexpr size_t kBlock = 4 << 20;
// What O_DIRECT wants addresses, sizes and offsets to be multiples of, on any disk.
constexpr size_t kAlign = 4096;

bool IsDirect(int fd) { return (fcntl(fd, F_GETFL) & O_DIRECT) != 0; }

// False where the file system has no such thing.
bool SetDirect(int fd, bool direct) {
  const int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

// 0, or errno. Some file systems take O_DIRECT and refuse the write.
int WriteAt(int fd, std::span<const std::byte> bytes, int64_t* at) {
  while (!bytes.empty()) {
    const ssize_t wrote = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(*at));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && errno == EINVAL && IsDirect(fd) && SetDirect(fd, false)) continue;
    if (wrote < 0) return errno;
    bytes = bytes.subspan(static_cast<size_t>(wrote));
    *at += wrote;
  }
  return 0;
}

}  // namespace

StreamedFile::~StreamedFile() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  std::free(memory_);
}

std::byte* StreamedFile::Buffer(int index) const {
  return memory_ + static_cast<size_t>(index) * kBlock;
}

int StreamedFile::Allocate() {
  if (memory_) return 0;
  memory_ = static_cast<std::byte*>(std::aligned_alloc(kAlign, kBuffers * kBlock));
  return memory_ ? 0 : ENOMEM;
}

int StreamedFile::Append(std::span<const std::byte> part) {
  if (const int error = Allocate()) return error;
  while (!part.empty()) {
    const size_t take = std::min(part.size(), kBlock - filled_);
    std::memcpy(Buffer(filling_) + filled_, part.data(), take);
    filled_ += take;
    part = part.subspan(take);
    if (filled_ < kBlock) continue;
    if (const int error = HandOver()) return error;
  }
  return 0;
}

// The full buffer goes to the disk; waits for room for the next.
int StreamedFile::HandOver() {
  if (!thread_.joinable()) {
    SetDirect(fd_, true);
    thread_ = std::thread([this] { Work(); });
  }
  std::unique_lock lock(mutex_);
  ++full_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return full_ < kBuffers; });
  filling_ = (filling_ + 1) % kBuffers;
  filled_ = 0;
  return error_;
}

void StreamedFile::Work() {
  int next = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || full_ > 0; });
    if (stopping_) return;
    const bool write = error_ == 0;
    lock.unlock();
    const int error = write ? WriteAt(fd_, {Buffer(next), kBlock}, &at_) : 0;
    next = (next + 1) % kBuffers;
    lock.lock();
    --full_;
    if (error_ == 0) error_ = error;
    changed_.notify_all();
  }
}

int StreamedFile::WaitUntilWritten() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return full_ == 0; });
  return error_;
}

int StreamedFile::Finish() {
  if (const int error = WaitUntilWritten()) return error;
  // The rest is no multiple of what O_DIRECT wants.
  if (thread_.joinable()) SetDirect(fd_, false);
  return WriteAt(fd_, {Buffer(filling_), filled_}, &at_);
}

}  // namespace ocellus::store
