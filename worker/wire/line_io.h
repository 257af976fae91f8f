// Lines over a file descriptor: how documents, commands and events travel.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace ocellus::wire {

// A longer line is refused by writer and reader alike, so nobody is made to hold it.
inline constexpr size_t kLineBytesMax = size_t{4} << 20;

// Not thread-safe. The descriptor stays the caller's.
class LineReader {
 public:
  enum class Result {
    kLine,
    kEnd,      // end of file; a last line without '\n' was cut off and is dropped
    kAgain,    // nothing now (non-blocking descriptors only)
    kTooLong,  // a line over kLineBytesMax was skipped; reading goes on after it
    kError,    // read(2) failed; errno says why
  };

  explicit LineReader(int fd, size_t line_bytes_max = kLineBytesMax)
      : fd_(fd), line_bytes_max_(line_bytes_max) {}

  // The next line, without its '\n'. Waits for it when the descriptor blocks.
  Result Next(std::string* line);

 private:
  bool TakeLine(std::string* line, Result* result);

  int fd_;
  size_t line_bytes_max_;
  std::string buffer_;
  size_t searched_ = 0;  // bytes of buffer_ known to hold no '\n'
  bool skipping_ = false;
};

// Thread-safe: lines of several threads do not mix. The descriptor stays the caller's, and the
// process must ignore SIGPIPE.
class LineWriter {
 public:
  explicit LineWriter(int fd) : fd_(fd) {}

  // Writes `line` and '\n'. Waits when the pipe is full, at most `timeout` (negative: for ever) in
  // all. False when the line is too long or holds a '\n' (errno EMSGSIZE, EINVAL), the time is over
  // (ETIMEDOUT) or the other end is gone (EPIPE); after the last two the stream may hold half a
  // line, and every later Write fails too. A limited wait needs a non-blocking descriptor.
  bool Write(std::string_view line,
             std::chrono::milliseconds timeout = std::chrono::milliseconds(-1));

 private:
  std::mutex mutex_;
  int fd_;
  bool broken_ = false;
};

}  // namespace ocellus::wire
