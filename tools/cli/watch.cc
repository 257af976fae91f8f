#include "tools/cli/watch.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "coordinator/base/error.h"
#include "tools/cli/error_text.h"
#include "tools/cli/job_text.h"
#include "tools/cli/terminal.h"
#include "tools/cli/words.h"

namespace ocellus::cli {
namespace {

class Watcher {
 public:
  Watcher(Session* session, const WatchOptions& options)
      : session_(session),
        options_(options),
        end_(absl::Now() + session->timeout(absl::InfiniteDuration())),
        last_answer_(absl::Now()) {}

  ExitCode Run(const std::string& job) {
    job_ = job;
    while (true) {
      const absl::Status status = Follow();
      if (done_) {
        return code_;
      }
      if (absl::Now() >= end_) {
        return Stop(kTimedOut,
                    absl::StrCat("not yet there after ", DurationText(session_->timeout({})),
                                 "; the job goes on", "\n  next: ocellus job watch ", job_));
      }
      if (!IsAway(status)) {
        return Stop(CodeOf(status), ErrorText(status, session_->server()));
      }
      const absl::Duration patience = seen_any_ ? kAwayMax : absl::Seconds(2);
      if (absl::Now() - last_answer_ > patience) {
        return Stop(CodeOf(status), ErrorText(status, session_->server()));
      }
      if (seen_any_ && !away_ && absl::Now() - last_answer_ > absl::Seconds(1)) {
        away_ = true;
        Say("the coordinator is away; the job goes on, waiting for it");
      }
      absl::SleepFor(kReconnectWait);
    }
  }

 private:
  static bool IsAway(const absl::Status& status) {
    return status.ok() || absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
           absl::IsCancelled(status);
  }

  // One stream, until it ends or we are done.
  absl::Status Follow() {
    grpc::ClientContext context;
    coordinator::Prepare(&context, std::min(kStreamDeadline, end_ - absl::Now()));
    v1::WatchJobsRequest request;
    request.set_job(job_);
    auto stream = session_->jobs().WatchJobs(&context, request);
    v1::WatchJobsResponse response;
    while (!done_ && stream->Read(&response)) {
      last_answer_ = absl::Now();
      if (away_) {
        Say("the coordinator is back");
      }
      away_ = false;
      Look(response.job());
    }
    if (done_) {
      context.TryCancel();
    }
    return coordinator::FromGrpc(stream->Finish());
  }

  void Look(const v1::Job& job) {
    // A name may come to mean another job while we wait.
    job_ = job.id();
    seen_any_ = true;
    if (StateLine(job) != last_state_) {
      last_state_ = StateLine(job);
      Say(absl::StrCat(job.id(), " ", last_state_));
    }
    if (!options_.quiet && job.state() == v1::JOB_STATE_RUNNING && job.has_progress()) {
      line_.Show(ProgressText(job.progress()));
    }
    const bool reached = options_.until.has_value() && job.state() == *options_.until;
    if (reached) {
      done_ = true;
      code_ = kSucceeded;
    } else if (IsFinal(job.state())) {
      done_ = true;
      code_ = options_.until.has_value() && job.state() == v1::JOB_STATE_SUCCEEDED
                  ? kFailed
                  : CodeOf(job.state());
      SayEnd(job);
    } else if (job.state() == v1::JOB_STATE_HELD && options_.ends_when_held) {
      done_ = true;
      code_ = kFailed;
      Say(absl::StrCat("a held job waits for you\n  next: ocellus job why ", job.id(),
                       ", then ocellus job resume ", job.id()));
    }
  }

  void SayEnd(const v1::Job& job) {
    if (job.state() == v1::JOB_STATE_FAILED && job.has_last_failure()) {
      Say("last failure: " + OneLine(FailureLine(job.last_failure())));
      if (!job.last_failure().hint().empty()) {
        Say("  next: " + OneLine(job.last_failure().hint()));
      }
      Say("  log:  ocellus job logs " + job.id());
    }
    if (job.state() == v1::JOB_STATE_SUCCEEDED) {
      Say("  next: ocellus checkpoint export " + job.id() + " --out encoder.safetensors");
    }
  }

  void Say(const std::string& text) {
    if (options_.quiet) {
      return;
    }
    line_.Break();
    Note(text);
  }

  ExitCode Stop(ExitCode code, const std::string& text) {
    line_.Break();
    session_->Fail(code, text);
    return code;
  }

  Session* session_;
  const WatchOptions options_;
  const absl::Time end_;
  std::string job_;
  ProgressLine line_;
  std::string last_state_;
  absl::Time last_answer_;
  bool seen_any_ = false;
  bool away_ = false;
  bool done_ = false;
  ExitCode code_ = kSucceeded;
};

}  // namespace

ExitCode Watch(Session* session, const std::string& job, const WatchOptions& options) {
  session->exit_code = Watcher(session, options).Run(job);
  return session->exit_code;
}

std::optional<v1::JobState> ParseState(const std::string& name) {
  v1::JobState state = v1::JOB_STATE_UNSPECIFIED;
  if (!v1::JobState_Parse("JOB_STATE_" + absl::AsciiStrToUpper(name), &state) ||
      state == v1::JOB_STATE_UNSPECIFIED) {
    return std::nullopt;
  }
  return state;
}

}  // namespace ocellus::cli
