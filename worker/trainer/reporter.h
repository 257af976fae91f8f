// Where a rank tells what happens: lines on a pipe for an agent, or lines for a person.
//
// Thread-safe. `Exit` is the last thing that is ever told; what comes later from other threads is
// dropped, so the exit record is the last line whatever happens.
#pragma once

#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

#include "worker/wire/event.h"
#include "worker/wire/line_io.h"

namespace ocellus::trainer {

class Reporter {
 public:
  virtual ~Reporter() = default;

  void Tell(wire::EventBody body);
  // `level`: debug, info, warning, error.
  void Log(const std::string& level, const std::string& text);
  // Once; later calls do nothing.
  void Exit(const wire::ExitRecord& record);

 protected:
  // Called with the lock held, so never by two threads at once.
  virtual void Write(const wire::EventBody& body) = 0;

 private:
  std::mutex mutex_;
  bool closed_ = false;
};

// JSON lines on `fd` (FORMAT.md). An agent that no longer reads ends the process: a rank does not
// train unseen.
class PipeReporter final : public Reporter {
 public:
  PipeReporter(int fd, int rank) : lines_(fd), rank_(rank) {}

 protected:
  void Write(const wire::EventBody& body) override;

 private:
  wire::LineWriter lines_;
  int rank_;
};

// For a run by hand: rank 0 shows progress on stdout, in place when that is a terminal; every rank
// says warnings and errors on stderr.
class TerminalReporter final : public Reporter {
 public:
  explicit TerminalReporter(int rank);

 protected:
  void Write(const wire::EventBody& body) override;

 private:
  void ShowProgress(const wire::Step& step);
  void ShowLine(std::FILE* to, const std::string& line);

  int rank_;
  bool in_place_;
  bool line_open_ = false;
  std::chrono::steady_clock::time_point last_progress_{};
};

// "step 120/2000  loss 4.8123 (chance 6.654)  lr 1.20e-03  412 images/s  ETA 3m10s".
std::string ProgressLine(const wire::Step& step);

}  // namespace ocellus::trainer
