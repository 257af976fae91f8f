// What ranks print, kept per job and generation in <folder>/<job>/g0001.jsonl: one JSON object a
// line, in the order of arrival. A line is known by (generation, rank, seq); repeats are dropped,
// so a sender may repeat.
//
// A cursor is "<generation>:<byte>": the place in a file after the lines that were read.
// Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/base/beacon.h"
#include "ocellus/v1/event.pb.h"

namespace ocellus::coordinator {

struct LogFilter {
  std::optional<int> rank;
  int64_t generation = 0;  // 0: all
  v1::LogLevel min_level = v1::LOG_LEVEL_UNSPECIFIED;
  bool Takes(const v1::LogLine& line) const;
};

struct LogChunk {
  std::vector<v1::LogLine> lines;
  std::string cursor;  // after them
  bool more = false;   // there is more to read now
};

class LogFiles {
 public:
  explicit LogFiles(std::string folder) : folder_(std::move(folder)) {}

  // Lines of one gang, each rank's in order of seq. STORE_UNAVAILABLE when the disk refuses (send
  // again); RESOURCE_EXHAUSTED / TOO_LARGE when the generation's limit is used up.
  absl::Status Append(const std::string& job_id, int64_t generation,
                      const std::vector<v1::LogLine>& lines);

  // The next lines after `cursor`, a bounded number. INVALID_ARGUMENT when it is no cursor.
  absl::StatusOr<LogChunk> Read(const std::string& job_id, const std::string& cursor,
                                const LogFilter& filter) const;
  // The cursor from which Read gives the last `lines` lines that the filter takes; 0: the
  // beginning.
  absl::StatusOr<std::string> Start(const std::string& job_id, int lines,
                                    const LogFilter& filter) const;

  // Notified at each Append.
  const Beacon& appended() const { return appended_; }
  Beacon& appended() { return appended_; }

 private:
  using Gang = std::pair<std::string, int64_t>;
  std::string PathOf(const std::string& job_id, int64_t generation) const;
  std::vector<int64_t> Generations(const std::string& job_id) const;  // that have a file, in order
  std::map<int, int64_t>& LastSeqs(const std::string& job_id, int64_t generation);

  const std::string folder_;
  std::mutex mutex_;
  std::map<Gang, std::map<int, int64_t>> last_seq_;  // by rank
  Beacon appended_;
};

}  // namespace ocellus::coordinator
