#include "worker/wire/line_io.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ocellus::wire {
namespace {

using Clock = std::chrono::steady_clock;

// Waits until `fd` takes bytes; false with errno when `deadline` is over.
bool WaitWritable(int fd, bool forever, Clock::time_point deadline) {
  int wait_ms = -1;
  if (!forever) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    wait_ms = static_cast<int>(std::max<int64_t>(left.count(), 0));
  }
  pollfd entry{fd, POLLOUT, 0};
  const int ready = poll(&entry, 1, wait_ms);
  if (ready == 0) errno = ETIMEDOUT;
  return ready > 0 || (ready < 0 && errno == EINTR);
}

}  // namespace

bool LineReader::TakeLine(std::string* line, Result* result) {
  const size_t end = buffer_.find('\n', searched_);
  if (end == std::string::npos) {
    searched_ = buffer_.size();
    if (buffer_.size() > line_bytes_max_) {
      skipping_ = true;
      buffer_.clear();
      searched_ = 0;
    }
    return false;
  }
  const bool too_long = skipping_ || end > line_bytes_max_;
  if (!too_long) line->assign(buffer_, 0, end);
  buffer_.erase(0, end + 1);
  searched_ = 0;
  skipping_ = false;
  *result = too_long ? Result::kTooLong : Result::kLine;
  return true;
}

LineReader::Result LineReader::Next(std::string* line) {
  char chunk[64 << 10];
  for (;;) {
    Result result;
    if (TakeLine(line, &result)) return result;
    const ssize_t got = read(fd_, chunk, sizeof(chunk));
    if (got == 0) return Result::kEnd;
    if (got > 0) {
      buffer_.append(chunk, static_cast<size_t>(got));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return Result::kAgain;
    } else if (errno != EINTR) {
      return Result::kError;
    }
  }
}

bool LineWriter::Write(std::string_view line, std::chrono::milliseconds timeout) {
  const bool too_long = line.size() > kLineBytesMax;
  if (too_long || line.find('\n') != std::string_view::npos) {
    errno = too_long ? EMSGSIZE : EINVAL;
    return false;
  }
  std::string bytes(line);
  bytes += '\n';
  const auto deadline = Clock::now() + timeout;
  const std::lock_guard lock(mutex_);
  if (broken_) {
    errno = EPIPE;
    return false;
  }
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t wrote = write(fd_, bytes.data() + done, bytes.size() - done);
    if (wrote >= 0) {
      done += static_cast<size_t>(wrote);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      broken_ = !WaitWritable(fd_, timeout.count() < 0, deadline);
    } else if (errno != EINTR) {
      broken_ = true;
    }
    if (broken_) return false;
  }
  return true;
}

}  // namespace ocellus::wire
