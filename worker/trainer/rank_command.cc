#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "worker/trainer/commands.h"
#include "worker/trainer/exit_record.h"
#include "worker/trainer/job_file.h"
#include "worker/trainer/signals.h"
#include "worker/trainer/train.h"
#include "worker/wire/line_io.h"

namespace ocellus::trainer {
namespace {

constexpr int kEventFd = 3;

[[noreturn]] void End(Reporter& reporter, const wire::ExitRecord& record) {
  reporter.Exit(record);
  fflush(nullptr);
  _exit(wire::ExitCode(record));
}

wire::ExitRecord AgentGone(int64_t step) {
  return {wire::FaultClass::kInfraProcess, "AGENT_GONE", "the agent closed its pipe",
          "a restarted agent starts the gang again", step};
}

void Obey(const std::string& line, Control& control, Reporter& reporter) {
  std::string error;
  const auto command = wire::ParseCommand(line, &error);
  if (!command) return reporter.Log("warning", "a command was not understood: " + error);
  if (const auto* stop = std::get_if<wire::Stop>(&*command)) {
    reporter.Tell(wire::StopAck{control.RequestStop(*stop)});
  } else if (const auto* grant = std::get_if<wire::CheckpointGrant>(&*command)) {
    control.Deliver(*grant);
  } else if (const auto* result = std::get_if<wire::CheckpointResult>(&*command)) {
    control.Deliver(*result);
  }
}

// Reads commands in any phase; without an agent the rank ends at once.
void ReadCommands(wire::LineReader& lines, Control& control, Reporter& reporter) {
  std::string line;
  for (;;) {
    switch (lines.Next(&line)) {
      case wire::LineReader::Result::kLine:
        Obey(line, control, reporter);
        break;
      case wire::LineReader::Result::kTooLong:
        reporter.Log("warning", "a command longer than a line may be was passed over");
        break;
      case wire::LineReader::Result::kAgain:
        break;
      case wire::LineReader::Result::kEnd:
      case wire::LineReader::Result::kError:
        End(reporter, AgentGone(control.finished()));
    }
  }
}

}  // namespace

int RankCommand() {
  if (fcntl(kEventFd, F_GETFD) < 0) {
    std::fprintf(stderr,
                 "ocellus-trainer: 'rank' is what ocellus-worker starts (events go to fd 3); to "
                 "train by hand use 'ocellus-trainer run --spec job.yaml --out DIR'\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  static wire::LineReader lines(STDIN_FILENO);
  static Control control;
  std::string line;
  PipeReporter unnamed(kEventFd, 0);
  if (lines.Next(&line) != wire::LineReader::Result::kLine) End(unnamed, AgentGone(0));
  static wire::Document document;
  try {
    document = wire::RequireDocument(line);
    document.spec = FilledIn(document.spec, "the job's document");
  } catch (...) {
    End(unnamed, RecordOfCurrentException(0));
  }

  static PipeReporter reporter(kEventFd, document.rank);
  InstallTerminateHandler(&reporter);
  StopOnSignals(&control);
  reporter.Tell(wire::Hello{wire::kVersion, getpid(), OCELLUS_VERSION});
  std::thread([] { ReadCommands(lines, control, reporter); }).detach();
  End(reporter, Train(document, {}, control, reporter));
}

}  // namespace ocellus::trainer
