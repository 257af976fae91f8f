// Log lines of one rank on their way to the coordinator, on disk: so that a slow or absent
// coordinator neither stops the rank nor fills the agent's memory.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "ocellus/v1/event.pb.h"

namespace ocellus::agent {

// Lines lie in segment files, oldest first; an acknowledged segment is deleted. Over `bytes_max`
// the oldest segment is dropped: the newest lines say why a rank died. A line that the disk refuses
// is dropped too. Dropped lines leave a hole in `seq` and are counted. Thread-safe.
class LogSpool {
 public:
  struct Batch {
    std::vector<v1::LogLine> lines;
    int64_t dropped = 0;  // since the last acknowledged batch
  };

  // Makes `folder`; it goes, with all that is in it, when the spool does.
  LogSpool(std::string folder, int64_t bytes_max, int64_t segment_bytes);
  ~LogSpool();
  LogSpool(const LogSpool&) = delete;
  LogSpool& operator=(const LogSpool&) = delete;

  void Append(const v1::LogLine& line);
  // The oldest lines, about `bytes_max` of them (at least one when there is one). The same again
  // until they are acknowledged.
  Batch Peek(int64_t bytes_max);
  // The batch of the last Peek has arrived.
  void Acknowledge(const Batch& batch);
  // Nothing to send.
  bool empty() const;
  // Since the beginning.
  int64_t dropped_lines() const;

 private:
  struct Segment {
    int64_t id = 0;
    int fd = -1;
    int64_t bytes = 0;
    int64_t lines = 0;
    int64_t read_offset = 0;
    int64_t read_lines = 0;
  };

  std::string PathOf(const Segment& segment) const;
  bool OpenSegment();
  void Drop(int64_t lines);
  void RemoveOldest();

  const std::string folder_;
  const int64_t bytes_max_;
  const int64_t segment_bytes_;
  mutable std::mutex mutex_;
  std::deque<Segment> segments_;
  int64_t next_id_ = 0;
  int64_t total_bytes_ = 0;
  int64_t dropped_ = 0;
  int64_t dropped_unsent_ = 0;
  // Where the last Peek ended.
  int64_t peek_id_ = -1;
  int64_t peek_offset_ = 0;
};

}  // namespace ocellus::agent
