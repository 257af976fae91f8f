// `job logs`.
#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "coordinator/base/error.h"
#include "tools/cli/commands.h"
#include "tools/cli/message_text.h"
#include "tools/cli/terminal.h"
#include "tools/cli/words.h"

namespace ocellus::cli {
namespace {

struct LogArguments {
  std::string job;
  bool follow = false;
  int rank = -1;
  int64_t generation = 0;
  std::string level;
  int tail = 0;
};

std::string Text(const v1::LogLine& line) {
  const absl::Time at =
      absl::FromUnixSeconds(line.at().seconds()) + absl::Nanoseconds(line.at().nanos());
  std::string text = absl::StrCat(absl::FormatTime("%H:%M:%E3S", at, absl::LocalTimeZone()), " g",
                                  line.generation(), " r", line.rank(), " ");
  if (line.level() >= v1::LOG_LEVEL_WARNING) {
    absl::StrAppend(&text, Tinted(LevelText(line.level()), Tint::kRed), " ");
  }
  return absl::StrCat(text, OneLine(line.text()), "\n");
}

class LogReader {
 public:
  LogReader(Session* session, const LogArguments& arguments)
      : session_(session), arguments_(arguments), last_answer_(absl::Now()) {
    request_.set_job(arguments.job);
    request_.set_follow(arguments.follow);
    request_.set_lines(arguments.tail);
    request_.set_generation(arguments.generation);
    if (arguments.rank >= 0) request_.set_rank(arguments.rank);
    v1::LogLevel level = v1::LOG_LEVEL_UNSPECIFIED;
    v1::LogLevel_Parse("LOG_LEVEL_" + absl::AsciiStrToUpper(arguments.level), &level);
    request_.set_min_level(level);
  }

  // Reads to the end; with --follow, over restarts of the coordinator.
  absl::Status Run() {
    const absl::Time end = absl::Now() + session_->timeout(absl::InfiniteDuration());
    while (true) {
      const absl::Status status = ReadStream(end);
      const bool away = absl::IsUnavailable(status) || absl::IsCancelled(status);
      const bool too_long = absl::IsDeadlineExceeded(status) && absl::Now() < end;
      const absl::Duration patience = arguments_.follow && seen_any_ ? kAwayMax : absl::Seconds(2);
      if (status.ok() || (!away && !too_long) || absl::Now() - last_answer_ > patience) {
        return status;
      }
      absl::SleepFor(kReconnectWait);
    }
  }

 private:
  absl::Status ReadStream(absl::Time end) {
    grpc::ClientContext context;
    coordinator::Prepare(&context, std::min(kStreamDeadline, end - absl::Now()));
    auto stream = session_->logs().TailLogs(&context, request_);
    v1::TailLogsResponse response;
    while (stream->Read(&response)) {
      last_answer_ = absl::Now();
      seen_any_ = true;
      Show(response);
      // A new stream goes on after what we have.
      if (!response.cursor().empty()) request_.set_cursor(response.cursor());
    }
    return coordinator::FromGrpc(stream->Finish());
  }

  void Show(const v1::TailLogsResponse& response) {
    if (response.dropped() > 0) {
      Note(absl::StrCat("(", response.dropped(), " lines were lost here)"));
    }
    std::string text;
    for (const v1::LogLine& line : response.lines()) {
      const bool json = session_->output() == Output::kJson;
      absl::StrAppend(&text, json ? JsonOf(line).dump() + "\n" : Text(line));
    }
    if (!text.empty()) Print(text);
  }

  Session* session_;
  const LogArguments arguments_;
  v1::TailLogsRequest request_;
  absl::Time last_answer_;
  bool seen_any_ = false;
};

}  // namespace

void AddLogs(CLI::App* job, Session* session) {
  auto arguments = std::make_shared<LogArguments>();
  CLI::App* command = job->add_subcommand("logs", "What the ranks of a job said");
  command->add_option("JOB", arguments->job, "Id, or name: the newest job of that name")
      ->required();
  command->add_flag("-f,--follow", arguments->follow, "Go on until the job ends");
  command->add_option("--rank", arguments->rank, "Only this rank")->check(CLI::NonNegativeNumber);
  command->add_option("--generation", arguments->generation, "Only this launch")
      ->check(CLI::PositiveNumber);
  command->add_option("--level", arguments->level, "debug, info, warning or error, and above")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  command->add_option("--tail", arguments->tail, "Only the last lines")->check(CLI::PositiveNumber);
  command->callback([session, arguments] {
    const absl::Status status = LogReader(session, *arguments).Run();
    if (!status.ok()) session->Fail(status);
  });
}

}  // namespace ocellus::cli
