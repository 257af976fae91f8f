// How a gang is ended.
#include <algorithm>
#include <csignal>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "worker/agent/gang.h"
#include "worker/wire/command.h"

namespace ocellus::agent {

using coordinator::Log;
using coordinator::LogSeverity;

void Gang::Stop(const StopWish& wish, SteadyTime now) {
  const bool first = !stop_;
  Log(LogSeverity::kInfo, "gang_stopping",
      {{"job", ref().job_id()},
       {"generation", ref().generation()},
       {"cause", wish.cause},
       {"grace_ms", wish.grace.count()}});
  const SteadyTime term_at = now + wish.grace;
  // Asked again: the newer cause, the earlier end.
  term_at_ = first || !term_at_ ? term_at : std::min(*term_at_, term_at);
  if (wish.stacks && (first || !stop_->stacks)) {
    for (const auto& rank : ranks_) rank->AskForStacks();
  }
  stop_ = wish;
  if (!first) return;
  ack_by_ = now + host_->limits.stop_ack;
  const double grace_s = std::chrono::duration<double>(wish.grace).count();
  for (const auto& rank : ranks_) {
    if (!rank->running()) continue;
    unacknowledged_.insert(rank->rank());
    rank->Send(wire::Print(wire::Stop{wish.cause, grace_s, wish.checkpoint}));
  }
}

void Gang::Kill(bool silent) {
  silent_ = silent_ || silent;
  SignalAll(SIGKILL);
}

void Gang::KeepDeadlines(SteadyTime now) {
  if (ended()) {
    ack_by_.reset();
    term_at_.reset();
    kill_at_.reset();
    return;
  }
  if (ack_by_ && now >= *ack_by_) {
    ack_by_.reset();
    for (int rank : unacknowledged_) {
      relay_.Warn(rank, absl::StrCat("rank ", rank, " did not answer to stop within ",
                                     host_->limits.stop_ack.count() / 1000,
                                     " s; it keeps its grace and is killed then"));
    }
  }
  if (term_at_ && now >= *term_at_) {
    term_at_.reset();
    SignalAll(SIGTERM);
    const SteadyTime kill_at = now + stop_->term_to_kill;
    kill_at_ = kill_at_ ? std::min(*kill_at_, kill_at) : kill_at;
  }
  if (kill_at_ && now >= *kill_at_) {
    kill_at_.reset();
    SignalAll(SIGKILL);
  }
}

SteadyTime Gang::NextDeadline() const {
  SteadyTime next = SteadyTime::max();
  for (const auto& deadline : {ack_by_, term_at_, kill_at_}) {
    if (deadline) next = std::min(next, *deadline);
  }
  return next;
}

}  // namespace ocellus::agent
