// Writes a file from front to back past the page cache, in a thread of its own.
//
// A state of gigabytes would push everything else out of the page cache, and copying it there costs
// more processor time than hashing it. So full blocks are written from two aligned buffers
// (O_DIRECT) while the caller prepares the next; what is smaller than a block, and what a file
// system without O_DIRECT gets, is written plainly. Not thread-safe.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <thread>

namespace ocellus::store {

class StreamedFile {
 public:
  // `fd`: open for writing, empty; the caller's.
  explicit StreamedFile(int fd) : fd_(fd) {}
  ~StreamedFile();
  StreamedFile(const StreamedFile&) = delete;
  StreamedFile& operator=(const StreamedFile&) = delete;

  // 0, or errno, of this or an earlier part.
  int Append(std::span<const std::byte> part);
  // Waits until everything is written; syncing is the caller's. 0, or errno. Nothing may be
  // appended afterwards.
  int Finish();

 private:
  static constexpr int kBuffers = 2;

  std::byte* Buffer(int index) const;
  int Allocate();
  int HandOver();
  void Work();
  int WaitUntilWritten();

  int fd_;
  int64_t at_ = 0;               // how far the file is written; the thread's until it is idle
  std::byte* memory_ = nullptr;  // all buffers
  int filling_ = 0;              // the buffer that Append fills
  size_t filled_ = 0;            // bytes in it
  std::thread thread_;           // from the first full block on

  std::mutex mutex_;
  std::condition_variable changed_;
  int full_ = 0;           // guarded by mutex_; buffers before `filling_` that wait for the disk
  bool stopping_ = false;  // guarded by mutex_
  int error_ = 0;          // guarded by mutex_; the first
};

}  // namespace ocellus::store
