#include "coordinator/state/log_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "coordinator/base/error.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {
namespace {

constexpr int64_t kGenerationBytesMax = 256 << 20;
constexpr size_t kChunkLinesMax = 1000;
constexpr size_t kChunkBytesMax = 1 << 20;
constexpr size_t kGangsRememberedMax = 4096;

std::string ToJson(const v1::LogLine& line) {
  const nlohmann::json object = {{"r", line.rank()},
                                 {"s", line.seq()},
                                 {"t", line.at().seconds()},
                                 {"n", line.at().nanos()},
                                 {"l", static_cast<int>(line.level())},
                                 {"m", line.text()}};
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// False for a line that a crash has cut.
bool FromJson(const std::string& text, int64_t generation, v1::LogLine* line) {
  const auto object = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    return false;
  }
  line->set_generation(generation);
  line->set_rank(object.value("r", 0));
  line->set_seq(object.value("s", int64_t{0}));
  line->mutable_at()->set_seconds(object.value("t", int64_t{0}));
  line->mutable_at()->set_nanos(object.value("n", 0));
  line->set_level(static_cast<v1::LogLevel>(object.value("l", 0)));
  line->set_text(object.value("m", std::string()));
  return true;
}

struct Place {
  int64_t generation = 1;
  int64_t byte = 0;
};

std::string CursorOf(const Place& place) { return absl::StrCat(place.generation, ":", place.byte); }

absl::StatusOr<Place> ParseCursor(const std::string& cursor) {
  Place place;
  const std::vector<std::string> parts = absl::StrSplit(cursor, ':');
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &place.generation) ||
      !absl::SimpleAtoi(parts[1], &place.byte) || place.generation < 0 || place.byte < 0) {
    return BadRequest({{"cursor", "must be one that TailLogs gave"}});
  }
  return place;
}

absl::Status WriteWhole(const std::string& path, const std::string& bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) {
    return StoreUnavailable(absl::StrCat("cannot open ", path, ": ", strerror(errno)));
  }
  struct stat before {};
  fstat(fd, &before);
  absl::Status status;
  if (before.st_size + static_cast<int64_t>(bytes.size()) > kGenerationBytesMax) {
    status = Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_TOO_LARGE,
                   absl::StrCat("this generation has logged ", kGenerationBytesMax,
                                " bytes, which is the limit; later lines are dropped"));
  } else if (write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    const std::string cause = strerror(errno);
    // Half a batch would be repeated by the sender.
    if (ftruncate(fd, before.st_size) == 0) {
      status = StoreUnavailable(absl::StrCat("cannot write ", path, ": ", cause));
    } else {
      status = StoreUnavailable(absl::StrCat("cannot write or cut ", path, ": ", cause));
    }
  }
  close(fd);
  return status;
}

}  // namespace

bool LogFilter::Takes(const v1::LogLine& line) const {
  return (!rank.has_value() || line.rank() == *rank) &&
         (generation == 0 || line.generation() == generation) && line.level() >= min_level;
}

std::string LogFiles::PathOf(const std::string& job_id, int64_t generation) const {
  return absl::StrFormat("%s/%s/g%04d.jsonl", folder_, job_id, generation);
}

std::map<int, int64_t>& LogFiles::LastSeqs(const std::string& job_id, int64_t generation) {
  if (last_seq_.size() > kGangsRememberedMax) {
    last_seq_.clear();  // read again from the files when needed
  }
  const auto [entry, fresh] = last_seq_.try_emplace({job_id, generation});
  if (fresh) {
    std::ifstream file(PathOf(job_id, generation));
    v1::LogLine line;
    for (std::string text; std::getline(file, text);) {
      if (FromJson(text, generation, &line)) {
        int64_t& last = entry->second[line.rank()];
        last = std::max(last, line.seq());
      }
    }
  }
  return entry->second;
}

absl::Status LogFiles::Append(const std::string& job_id, int64_t generation,
                              const std::vector<v1::LogLine>& lines) {
  {
    std::lock_guard lock(mutex_);
    std::error_code ignored;  // the open below says what is wrong
    std::filesystem::create_directories(absl::StrCat(folder_, "/", job_id), ignored);
    std::map<int, int64_t>& last_seq = LastSeqs(job_id, generation);
    std::map<int, int64_t> seen = last_seq;
    std::string bytes;
    for (const v1::LogLine& line : lines) {
      if (line.seq() > seen[line.rank()]) {
        seen[line.rank()] = line.seq();
        absl::StrAppend(&bytes, ToJson(line), "\n");
      }
    }
    if (bytes.empty()) {
      return absl::OkStatus();
    }
    OCELLUS_RETURN_IF_ERROR(WriteWhole(PathOf(job_id, generation), bytes));
    last_seq = std::move(seen);
  }
  appended_.Notify();
  return absl::OkStatus();
}

std::vector<int64_t> LogFiles::Generations(const std::string& job_id) const {
  std::vector<int64_t> generations;
  std::error_code absent;  // then there are none
  for (const auto& entry :
       std::filesystem::directory_iterator(absl::StrCat(folder_, "/", job_id), absent)) {
    int64_t generation = 0;
    if (absl::SimpleAtoi(absl::StripPrefix(entry.path().stem().string(), "g"), &generation)) {
      generations.push_back(generation);
    }
  }
  std::sort(generations.begin(), generations.end());
  return generations;
}

absl::StatusOr<LogChunk> LogFiles::Read(const std::string& job_id, const std::string& cursor,
                                        const LogFilter& filter) const {
  OCELLUS_ASSIGN_OR_RETURN(const Place start, ParseCursor(cursor.empty() ? "1:0" : cursor));
  Place place = start;
  LogChunk chunk;
  size_t bytes = 0;
  for (const int64_t generation : Generations(job_id)) {
    if (generation < start.generation || chunk.more) {
      continue;
    }
    place = {generation, generation == start.generation ? start.byte : 0};
    std::ifstream file(PathOf(job_id, generation));
    file.seekg(place.byte);
    for (std::string text; !chunk.more && std::getline(file, text) && !file.eof();) {
      place.byte += static_cast<int64_t>(text.size()) + 1;
      bytes += text.size();
      v1::LogLine line;
      if (FromJson(text, generation, &line) && filter.Takes(line)) {
        chunk.lines.push_back(std::move(line));
      }
      chunk.more = chunk.lines.size() >= kChunkLinesMax || bytes >= kChunkBytesMax;
    }
  }
  chunk.cursor = CursorOf(place);
  return chunk;
}

absl::StatusOr<std::string> LogFiles::Start(const std::string& job_id, int lines,
                                            const LogFilter& filter) const {
  const Place beginning{filter.generation == 0 ? 1 : filter.generation, 0};
  if (lines <= 0) {
    return CursorOf(beginning);
  }
  // Files are bounded, and a line's place is only known by reading what is before it.
  std::deque<Place> before;  // places of the newest lines that the filter takes
  for (const int64_t generation : Generations(job_id)) {
    std::ifstream file(PathOf(job_id, generation));
    Place place{generation, 0};
    for (std::string text; std::getline(file, text) && !file.eof();) {
      v1::LogLine line;
      if (FromJson(text, generation, &line) && filter.Takes(line)) {
        before.push_back(place);
        if (before.size() > static_cast<size_t>(lines)) {
          before.pop_front();
        }
      }
      place.byte += static_cast<int64_t>(text.size()) + 1;
    }
  }
  return CursorOf(before.empty() ? beginning : before.front());
}

}  // namespace ocellus::coordinator
