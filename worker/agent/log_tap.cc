#include "worker/agent/log_tap.h"

#include <algorithm>
#include <utility>

#include "models/schema/utf8.h"
#include "worker/agent/limits.h"

namespace ocellus::agent {
namespace {

constexpr char kReplacement[] = "\xef\xbf\xbd";

v1::LogLevel LevelOf(int stream) {
  return stream == 2 ? v1::LOG_LEVEL_WARNING : v1::LOG_LEVEL_INFO;
}

}  // namespace

std::string ToUtf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const size_t size = schema::Utf8CharacterBytes(text);
    if (size == 0) {
      result += kReplacement;
    } else {
      result += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return result;
}

LogTap::LogTap(int rank, int64_t generation, LogSpool* spool)
    : rank_(rank), generation_(generation), spool_(spool) {}

void LogTap::Line(v1::LogLevel level, std::string_view text, absl::Time at) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  v1::LogLine line;
  line.set_rank(rank_);
  line.set_generation(generation_);
  line.set_seq(++seq_);
  const int64_t nanos = absl::ToUnixNanos(at);
  line.mutable_at()->set_seconds(nanos / 1'000'000'000);
  line.mutable_at()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  line.set_level(level);
  line.set_text(ToUtf8(text));
  spool_->Append(line);
  last_lines_.push_back(std::move(*line.mutable_text()));
  if (last_lines_.size() > kLastLines) last_lines_.pop_front();
}

void LogTap::Bytes(int stream, std::string_view bytes, absl::Time at) {
  std::string& unfinished = unfinished_[stream - 1];
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const size_t room = kLogLineBytesMax - unfinished.size();
    const size_t take = std::min({end, room, bytes.size()});
    unfinished += bytes.substr(0, take);
    bytes.remove_prefix(take);
    const bool line_ends = !bytes.empty() && bytes.front() == '\n';
    if (line_ends) bytes.remove_prefix(1);
    if (line_ends || unfinished.size() == kLogLineBytesMax) {
      Line(LevelOf(stream), std::exchange(unfinished, {}), at);
    }
  }
}

void LogTap::Text(v1::LogLevel level, std::string_view text, absl::Time at) {
  do {
    const size_t end = text.substr(0, kLogLineBytesMax).find('\n');
    const std::string_view line =
        text.substr(0, end == std::string_view::npos ? kLogLineBytesMax : end);
    Line(level, line, at);
    text.remove_prefix(std::min(text.size(), line.size() + (end != std::string_view::npos)));
  } while (!text.empty());
}

void LogTap::Flush(absl::Time at) {
  for (int stream : {1, 2}) {
    std::string& unfinished = unfinished_[stream - 1];
    if (!unfinished.empty()) Line(LevelOf(stream), std::exchange(unfinished, {}), at);
  }
}

}  // namespace ocellus::agent
