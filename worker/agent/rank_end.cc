#include "worker/agent/rank_end.h"

#include <string.h>
#include <sys/wait.h>

#include <csignal>

#include "absl/strings/str_cat.h"

namespace ocellus::agent {
namespace {

v1::FailureClass ClassOf(wire::FaultClass fault_class) {
  switch (fault_class) {
    case wire::FaultClass::kNone:
      return v1::FAILURE_CLASS_UNSPECIFIED;
    case wire::FaultClass::kUser:
      return v1::FAILURE_CLASS_USER;
    case wire::FaultClass::kInfraProcess:
      return v1::FAILURE_CLASS_INFRA_PROCESS;
    case wire::FaultClass::kInfraNode:
      return v1::FAILURE_CLASS_INFRA_NODE;
    case wire::FaultClass::kHang:
      return v1::FAILURE_CLASS_HANG;
    case wire::FaultClass::kStorage:
      return v1::FAILURE_CLASS_STORAGE;
    case wire::FaultClass::kUnknown:
      return v1::FAILURE_CLASS_UNKNOWN;
  }
  return v1::FAILURE_CLASS_UNKNOWN;
}

std::string SignalName(int signal_number) {
  const char* name = sigabbrev_np(signal_number);
  return name ? absl::StrCat("SIG", name) : absl::StrCat("signal ", signal_number);
}

const char* HintOf(int signal_number) {
  switch (signal_number) {
    case SIGKILL:
      return "the kernel kills so when memory runs out: look at `dmesg`, then lower batch.global, "
             "data.prefetch or ranks";
    case SIGSEGV:
    case SIGBUS:
    case SIGABRT:
    case SIGFPE:
    case SIGILL:
      return "the trainer crashed; its last lines are in `ocellus job logs`";
    default:
      return "look at the last lines in `ocellus job logs`";
  }
}

void JudgeWithoutRecord(const RankDeath& death, v1::RankEnded* ended) {
  const std::string who = absl::StrCat("rank ", death.rank);
  if (death.killed_by_us) {
    ended->set_failure_class(v1::FAILURE_CLASS_INFRA_PROCESS);
    ended->set_outcome("KILLED");
    ended->set_message(absl::StrCat(who, " was killed by its agent"));
  } else if (WIFSIGNALED(death.wait_status)) {
    ended->set_failure_class(v1::FAILURE_CLASS_INFRA_PROCESS);
    ended->set_outcome("DIED");
    ended->set_message(absl::StrCat(who, " died of ", ended->signal()));
    ended->set_hint(HintOf(WTERMSIG(death.wait_status)));
  } else {
    ended->set_failure_class(v1::FAILURE_CLASS_UNKNOWN);
    ended->set_outcome("NO_RECORD");
    ended->set_message(
        absl::StrCat(who, " exited with code ", ended->exit_code(), " and no exit record"));
    ended->set_hint("look at the last lines in `ocellus job logs`");
  }
}

}  // namespace

v1::RankEnded JudgeRank(const RankDeath& death) {
  v1::RankEnded ended;
  if (WIFSIGNALED(death.wait_status)) {
    ended.set_signal(SignalName(WTERMSIG(death.wait_status)));
  } else {
    ended.set_exit_code(WEXITSTATUS(death.wait_status));
  }
  for (const std::string& line : death.last_lines) ended.add_last_lines(line);
  ended.set_step(death.record ? death.record->step : death.last_step);
  if (!death.record) {
    JudgeWithoutRecord(death, &ended);
    return ended;
  }
  ended.set_failure_class(ClassOf(death.record->fault_class));
  ended.set_outcome(death.record->outcome);
  ended.set_message(death.record->message);
  ended.set_hint(death.record->hint);
  return ended;
}

v1::RankEnded JudgeFailedStart(const absl::Status& status) {
  v1::RankEnded ended;
  ended.set_failure_class(v1::FAILURE_CLASS_INFRA_NODE);
  ended.set_outcome("NOT_STARTED");
  ended.set_exit_code(127);
  ended.set_message(std::string(status.message()));
  ended.set_hint(
      "is the program that ocellus-worker --trainer names there, and is the machine not "
      "out of memory or processes?");
  return ended;
}

bool EndedWell(const v1::RankEnded& ended) {
  return ended.outcome() == "SUCCEEDED" || ended.outcome() == "STOPPED_AT";
}

}  // namespace ocellus::agent
