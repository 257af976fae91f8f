// One rank of a gang, as the agent sees it: its process, what it prints, what it reports, its end.
#pragma once

#include <poll.h>

#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "worker/agent/log_tap.h"
#include "worker/agent/rank_end.h"
#include "worker/agent/rank_process.h"
#include "worker/wire/document.h"
#include "worker/wire/event.h"
#include "worker/wire/line_io.h"

namespace ocellus::agent {

// Used by the thread that starts it.
class Rank {
 public:
  // Receives each event, in order.
  using Listener = std::function<void(const wire::Event&)>;

  // `spool` must outlive this.
  Rank(int rank, int64_t generation, LogSpool* spool, Listener listener);

  absl::Status Start(const RankCommand& command, const wire::Document& document);

  int rank() const { return rank_; }
  pid_t pid() const { return process_ ? process_->pid() : 0; }
  // From Start until Serve has seen the end.
  bool running() const { return process_ != nullptr && !death_; }
  LogTap* log() { return &log_; }

  // What poll should wait for.
  void AddTo(std::vector<pollfd>* entries) const;
  // Reads and writes what can be done now (a bounded amount). True when the process has ended and
  // all that it left in its pipes was read; once.
  bool Serve();
  // After that.
  const RankDeath& death() const { return *death_; }

  void Send(const std::string& command_line);
  // SIGTERM or SIGKILL by order: the end is not the rank's fault then.
  void Kill(int signal_number);
  // Asks for the stacks of its threads, which come as log lines. For a rank that will be killed.
  void AskForStacks() { Kill(SIGQUIT); }

 private:
  bool ReadEvents(int lines_max);
  bool ReadLog(int stream, size_t bytes_max);
  void Take(const wire::Event& event);
  void Note(std::string_view text);

  int rank_;
  Listener listener_;
  LogTap log_;
  std::unique_ptr<RankProcess> process_;
  std::optional<wire::LineReader> events_;
  bool events_open_ = false;
  bool log_open_[2] = {false, false};  // stdout, stderr
  RankDeath fate_;
  std::optional<RankDeath> death_;
};

}  // namespace ocellus::agent
