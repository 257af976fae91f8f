#include "worker/agent/rank.h"

#include <unistd.h>

#include <cerrno>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::agent {
namespace {

// Of one rank in one round of the loop, so that a chatty one does not starve the others.
constexpr int kEventsARound = 256;
constexpr size_t kLogBytesARound = 256 << 10;

v1::LogLevel LevelNamed(const std::string& level) {
  if (level == "debug") return v1::LOG_LEVEL_DEBUG;
  if (level == "warning") return v1::LOG_LEVEL_WARNING;
  return level == "error" ? v1::LOG_LEVEL_ERROR : v1::LOG_LEVEL_INFO;
}

}  // namespace

Rank::Rank(int rank, int64_t generation, LogSpool* spool, Listener listener)
    : rank_(rank), listener_(std::move(listener)), log_(rank, generation, spool) {
  fate_.rank = rank;
}

absl::Status Rank::Start(const RankCommand& command, const wire::Document& document) {
  const std::string line = wire::Print(document);
  if (line.size() > wire::kLineBytesMax) {
    return absl::InvalidArgumentError("the job's document is larger than 4 MiB");
  }
  OCELLUS_ASSIGN_OR_RETURN(process_, RankProcess::Start(command));
  events_.emplace(process_->event_fd());
  events_open_ = log_open_[0] = log_open_[1] = true;
  process_->Send(line);
  return absl::OkStatus();
}

void Rank::AddTo(std::vector<pollfd>* entries) const {
  if (!running()) return;
  entries->push_back({process_->end_fd(), POLLIN, 0});
  if (events_open_) entries->push_back({process_->event_fd(), POLLIN, 0});
  if (log_open_[0]) entries->push_back({process_->stdout_fd(), POLLIN, 0});
  if (log_open_[1]) entries->push_back({process_->stderr_fd(), POLLIN, 0});
  if (process_->sending()) entries->push_back({process_->stdin_fd(), POLLOUT, 0});
}

bool Rank::Serve() {
  if (!running()) return false;
  if (process_->sending()) process_->Flush();
  const std::optional<int> wait_status = process_->Reap();
  // After the end all that is in the pipes; nobody writes there any more.
  const bool all = wait_status.has_value();
  const size_t bytes_max = all ? std::numeric_limits<size_t>::max() : kLogBytesARound;
  for (int stream : {1, 2}) {
    if (log_open_[stream - 1]) log_open_[stream - 1] = ReadLog(stream, bytes_max);
  }
  if (events_open_) {
    events_open_ = ReadEvents(all ? std::numeric_limits<int>::max() : kEventsARound);
  }
  if (!wait_status) return false;
  log_.Flush(absl::Now());
  fate_.wait_status = *wait_status;
  fate_.last_lines = log_.last_lines();
  death_ = fate_;
  return true;
}

bool Rank::ReadEvents(int lines_max) {
  std::string line, error;
  for (int count = 0; count < lines_max; ++count) {
    switch (events_->Next(&line)) {
      case wire::LineReader::Result::kLine:
        if (const auto event = wire::ParseEvent(line, &error)) {
          Take(*event);
        } else {
          Note(absl::StrCat("unreadable event: ", error));
        }
        break;
      case wire::LineReader::Result::kTooLong:
        Note("an event of more than 4 MiB was skipped");
        break;
      case wire::LineReader::Result::kAgain:
        return true;
      case wire::LineReader::Result::kEnd:
      case wire::LineReader::Result::kError:
        return false;
    }
  }
  return true;
}

bool Rank::ReadLog(int stream, size_t bytes_max) {
  const int fd = stream == 1 ? process_->stdout_fd() : process_->stderr_fd();
  char chunk[64 << 10];
  for (size_t total = 0; total < bytes_max;) {
    const ssize_t got = read(fd, chunk, sizeof(chunk));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    log_.Bytes(stream, std::string_view(chunk, static_cast<size_t>(got)), absl::Now());
    total += static_cast<size_t>(got);
  }
  return true;
}

void Rank::Take(const wire::Event& event) {
  const absl::Time at = absl::FromUnixMicros(static_cast<int64_t>(event.at * 1e6));
  if (const auto* log = std::get_if<wire::Log>(&event.body)) {
    log_.Text(LevelNamed(log->level), log->text, at);
  } else if (const auto* step = std::get_if<wire::Step>(&event.body)) {
    fate_.last_step = step->step;
  } else if (const auto* record = std::get_if<wire::ExitRecord>(&event.body)) {
    fate_.record = *record;
  }
  listener_(event);
}

void Rank::Note(std::string_view text) {
  log_.Text(v1::LOG_LEVEL_WARNING, "ocellus-worker: " + std::string(text), absl::Now());
}

void Rank::Send(const std::string& command_line) {
  if (running()) process_->Send(command_line);
}

void Rank::Kill(int signal_number) {
  // One that has just died by itself was not killed by us.
  if (!running() || process_->Reap()) return;
  fate_.killed_by_us = true;
  process_->Signal(signal_number);
}

}  // namespace ocellus::agent
