#include "worker/agent/log_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ocellus::agent {
namespace {

// A record: its length (4 bytes, this machine's order), then the message.
constexpr int64_t kLengthBytes = 4;

bool WriteAll(int fd, const std::string& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t wrote = write(fd, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno != EINTR) return false;
    if (wrote > 0) done += static_cast<size_t>(wrote);
  }
  return true;
}

bool ReadAt(int fd, int64_t offset, char* out, int64_t size) {
  return pread(fd, out, static_cast<size_t>(size), offset) == size;
}

}  // namespace

LogSpool::LogSpool(std::string folder, int64_t bytes_max, int64_t segment_bytes)
    : folder_(std::move(folder)), bytes_max_(bytes_max), segment_bytes_(segment_bytes) {
  std::error_code ignored;  // a folder that cannot be made shows as dropped lines
  std::filesystem::create_directories(folder_, ignored);
}

LogSpool::~LogSpool() {
  for (const Segment& segment : segments_) close(segment.fd);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string LogSpool::PathOf(const Segment& segment) const {
  return absl::StrCat(folder_, "/", segment.id);
}

bool LogSpool::OpenSegment() {
  if (!segments_.empty() && segments_.back().bytes < segment_bytes_) return true;
  Segment segment;
  segment.id = next_id_++;
  segment.fd =
      open(PathOf(segment).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (segment.fd < 0) return false;
  segments_.push_back(segment);
  return true;
}

void LogSpool::Drop(int64_t lines) {
  dropped_ += lines;
  dropped_unsent_ += lines;
}

void LogSpool::RemoveOldest() {
  const Segment& oldest = segments_.front();
  close(oldest.fd);
  unlink(PathOf(oldest).c_str());
  total_bytes_ -= oldest.bytes;
  segments_.pop_front();
}

void LogSpool::Append(const v1::LogLine& line) {
  const std::string message = line.SerializeAsString();
  const uint32_t length = static_cast<uint32_t>(message.size());
  std::string record(reinterpret_cast<const char*>(&length), kLengthBytes);
  record += message;
  const std::lock_guard lock(mutex_);
  if (!OpenSegment()) return Drop(1);
  Segment& tail = segments_.back();
  if (!WriteAll(tail.fd, record)) {
    // Half a record must not stay; when even that fails the segment is of no use.
    if (ftruncate(tail.fd, tail.bytes) != 0) {
      Drop(tail.lines - tail.read_lines);
      total_bytes_ -= tail.bytes;
      close(tail.fd);
      segments_.pop_back();
    }
    return Drop(1);
  }
  tail.bytes += static_cast<int64_t>(record.size());
  total_bytes_ += static_cast<int64_t>(record.size());
  ++tail.lines;
  while (total_bytes_ > bytes_max_ && segments_.size() > 1) {
    Drop(segments_.front().lines - segments_.front().read_lines);
    RemoveOldest();
  }
}

LogSpool::Batch LogSpool::Peek(int64_t bytes_max) {
  const std::lock_guard lock(mutex_);
  Batch batch;
  batch.dropped = dropped_unsent_;
  while (!segments_.empty()) {
    const Segment& head = segments_.front();
    peek_id_ = head.id;
    peek_offset_ = head.read_offset;
    std::string message;
    while (peek_offset_ < head.bytes && peek_offset_ - head.read_offset < bytes_max) {
      uint32_t length = 0;
      if (!ReadAt(head.fd, peek_offset_, reinterpret_cast<char*>(&length), kLengthBytes)) break;
      message.resize(length);
      if (!ReadAt(head.fd, peek_offset_ + kLengthBytes, message.data(), length)) break;
      batch.lines.emplace_back();
      if (!batch.lines.back().ParseFromString(message)) batch.lines.pop_back();
      peek_offset_ += kLengthBytes + length;
    }
    if (!batch.lines.empty() || head.read_lines == head.lines) break;
    // The disk does not give back what it took.
    Drop(head.lines - head.read_lines);
    RemoveOldest();
  }
  return batch;
}

void LogSpool::Acknowledge(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  dropped_unsent_ = std::max<int64_t>(dropped_unsent_ - batch.dropped, 0);
  if (segments_.empty() || segments_.front().id != peek_id_) return;
  Segment& head = segments_.front();
  head.read_offset = peek_offset_;
  head.read_lines += static_cast<int64_t>(batch.lines.size());
  if (head.read_offset == head.bytes) RemoveOldest();
}

bool LogSpool::empty() const {
  const std::lock_guard lock(mutex_);
  return segments_.empty() && dropped_unsent_ == 0;
}

int64_t LogSpool::dropped_lines() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace ocellus::agent
