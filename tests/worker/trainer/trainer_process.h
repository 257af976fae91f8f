// `ocellus-trainer rank` with a test in the place of its agent.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "worker/wire/command.h"
#include "worker/wire/document.h"
#include "worker/wire/event.h"
#include "worker/wire/line_io.h"

namespace ocellus::trainer {

// How a process ended: its exit code, or 128 + the signal that killed it.
int WaitForEnd(pid_t pid);

class TrainerProcess {
 public:
  explicit TrainerProcess(const wire::Document& document);
  ~TrainerProcess();  // kills what still runs
  TrainerProcess(const TrainerProcess&) = delete;
  TrainerProcess& operator=(const TrainerProcess&) = delete;

  // A command's line.
  void Send(const std::string& line);
  void CloseStdin();
  void Kill();

  // Reads events up to and with the first for which `wanted` holds; at the end of the pipe the test
  // fails and an event without a body comes back.
  wire::Event Until(const std::function<bool(const wire::Event&)>& wanted);
  wire::Event UntilStep(int64_t step);
  template <typename Body>
  Body UntilBody() {
    const wire::Event event =
        Until([](const wire::Event& e) { return std::holds_alternative<Body>(e.body); });
    const Body* body = std::get_if<Body>(&event.body);
    return body ? *body : Body{};
  }
  // The exit record; checks that it is the last line, and that the process ends with its code.
  wire::ExitRecord End();

  const std::vector<wire::Event>& events() const { return events_; }

 private:
  bool Next(wire::Event* event);

  pid_t pid_ = -1;
  int commands_ = -1;
  int event_fd_ = -1;
  wire::LineReader lines_{-1};
  std::vector<wire::Event> events_;
};

// A port that was free a moment ago.
int FreePort();

// One process a rank; the document's rank, world and port are filled in.
std::vector<std::unique_ptr<TrainerProcess>> StartGang(wire::Document document, int world);

}  // namespace ocellus::trainer
