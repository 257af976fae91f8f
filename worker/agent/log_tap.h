// Turns what a rank prints into tagged lines: into the spool, and into the short memory that goes
// with its end.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "ocellus/v1/event.pb.h"
#include "worker/agent/log_spool.h"

namespace ocellus::agent {

// `text` with U+FFFD in place of every byte that is not UTF-8.
std::string ToUtf8(std::string_view text);

// Not thread-safe. The spool must outlive it.
class LogTap {
 public:
  LogTap(int rank, int64_t generation, LogSpool* spool);

  // Bytes of a stream (1 stdout, 2 stderr), cut anywhere. Lines over kLogLineBytesMax are split.
  void Bytes(int stream, std::string_view bytes, absl::Time at);
  // A whole text, of one or more lines.
  void Text(v1::LogLevel level, std::string_view text, absl::Time at);
  // The stream has ended: what is left is a line.
  void Flush(absl::Time at);

  // The last kLastLines, oldest first.
  std::vector<std::string> last_lines() const { return {last_lines_.begin(), last_lines_.end()}; }

 private:
  void Line(v1::LogLevel level, std::string_view text, absl::Time at);

  int rank_;
  int64_t generation_;
  LogSpool* spool_;
  int64_t seq_ = 0;
  std::string unfinished_[2];  // of stdout and stderr
  std::deque<std::string> last_lines_;
};

}  // namespace ocellus::agent
