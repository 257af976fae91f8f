// Plays a rank: speaks worker/wire/FORMAT.md and does what spec.ranks[rank], a list of actions,
// says:
//
//   {"print": text}          a line on stdout           {"complain": text}  one on stderr
//   {"lines": n}             n lines on stdout          {"variable": name}  prints NAME=value
//   {"raw": text}            a line on fd 3 as it is    {"phase": name}     that event
//   {"steps": n}             n step events              {"artifact": kind}  that event
//   {"metric": name}         value 0.5                  {"damaged": uri}    that event
//   {"checkpoint": true}     begin, grant, ready, result; prints "committed N" or "refused N: why"
//   {"train": true}          a step every 5 ms until `stop`; then ack, checkpoint if asked, exit
//   {"await": folder}        waits until the folder is there
//   {"deaf": true}           sleeps for ever, also through SIGTERM; prints "stacks" on SIGQUIT
//   {"die": signal}          {"exit": code} without a record
//   {"end": {class, outcome}}  the exit record, and its exit code
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <thread>

#include "worker/wire/command.h"
#include "worker/wire/document.h"
#include "worker/wire/event.h"
#include "worker/wire/line_io.h"

namespace {

using namespace ocellus::wire;
using nlohmann::json;

constexpr int kEventFd = 3;
constexpr int kTickMs = 5;

class ScriptedRank {
 public:
  void Run() {
    std::string line;
    if (in_.Next(&line) != LineReader::Result::kLine) std::exit(1);
    document_ = RequireDocument(line);
    // Several commands may come in one piece: the reader is asked before the pipe.
    fcntl(0, F_SETFL, O_NONBLOCK);
    if (!document_.restore.empty()) step_ = document_.restore[0].step;
    Tell(Hello{kVersion, getpid(), "scripted"});
    for (const json& action : document_.spec["ranks"][document_.rank]) {
      Do(action.begin().key(), action.begin().value());
    }
    End("none", "SUCCEEDED");
  }

 private:
  void Do(const std::string& verb, const json& value) {
    if (verb == "print") std::cout << value.get<std::string>() << std::endl;
    if (verb == "complain") std::cerr << value.get<std::string>() << std::endl;
    if (verb == "raw") out_.Write(value.get<std::string>());
    if (verb == "phase") Tell(Phase{value});
    if (verb == "artifact") Tell(Artifact{value, "somewhere"});
    if (verb == "metric") Tell(Metric{value, 0.5, step_});
    if (verb == "alarm") Tell(Alarm{"collapse", step_, value});
    if (verb == "damaged") Tell(Damaged{value, "size differs"});
    if (verb == "checkpoint") SaveCheckpoint();
    if (verb == "train") Train();
    if (verb == "die") raise(value.get<int>());
    if (verb == "exit") _exit(value.get<int>());
    if (verb == "end") End(value["class"], value["outcome"]);
    if (verb == "lines") {
      for (int i = 0; i < value.get<int>(); ++i) std::cout << "line " << i << "\n";
      std::cout.flush();
    }
    if (verb == "variable") {
      const char* text = getenv(value.get<std::string>().c_str());
      std::cout << value.get<std::string>() << "=" << (text ? text : "") << std::endl;
    }
    if (verb == "steps") {
      for (int i = 0; i < value.get<int>(); ++i) TakeStep();
    }
    if (verb == "await") {
      while (!std::filesystem::exists(value.get<std::string>())) {
        std::this_thread::sleep_for(std::chrono::milliseconds(kTickMs));
      }
    }
    if (verb == "deaf") {
      signal(SIGTERM, SIG_IGN);
      signal(SIGQUIT, [](int) {
        if (write(STDERR_FILENO, "stacks\n", 7) != 7) _exit(1);
      });
      Tell(Log{"info", "deaf"});
      for (;;) pause();
    }
  }

  void Tell(EventBody body) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    out_.Write(Print(Event{document_.rank, std::chrono::duration<double>(now).count(), body}));
  }

  void TakeStep() {
    ++step_;
    Step step;
    step.step = step_;
    step.total_steps = 1000;
    step.loss = 1.0 / static_cast<double>(step_);
    step.samples = step_ * 64;
    step.step_s = 0.01;
    step.data_wait_s = 0.001;
    step.collective_wait_s = 0.002;
    step.images_per_s = 6400;
    step.chance_loss = 2.5;
    Tell(step);
  }

  // The next command; nothing after `wait_ms`. The agent's end is ours.
  Command Next(int wait_ms) {
    std::string line, error;
    for (;;) {
      const LineReader::Result result = in_.Next(&line);
      if (result == LineReader::Result::kLine) return ParseCommand(line, &error).value();
      if (result != LineReader::Result::kAgain) _exit(1);
      pollfd entry{0, POLLIN, 0};
      if (poll(&entry, 1, wait_ms) <= 0) return {};
    }
  }

  void SaveCheckpoint() {
    Tell(CheckpointBegin{step_});
    Command command;
    while (!std::holds_alternative<CheckpointGrant>(command)) command = Next(-1);
    const auto grant = std::get<CheckpointGrant>(command);
    Tell(CheckpointReady{step_, grant.upload_id, "manifest of " + grant.prefix, 0.1, 0.2, 0.3});
    while (!std::holds_alternative<CheckpointResult>(command)) command = Next(-1);
    const auto result = std::get<CheckpointResult>(command);
    std::cout << (result.committed ? "committed " : "refused ") << result.step << " "
              << result.reason;
    for (const std::string& prefix : result.expired) std::cout << " " << prefix;
    std::cout << std::endl;
  }

  void Train() {
    for (;;) {
      const Command command = Next(kTickMs);
      if (const Stop* stop = std::get_if<Stop>(&command)) {
        Tell(StopAck{step_});
        std::cout << "stopping for " << stop->cause << std::endl;
        if (stop->checkpoint && document_.rank == 0) SaveCheckpoint();
        End("none", "STOPPED_AT");
      }
      TakeStep();
    }
  }

  [[noreturn]] void End(const std::string& fault_class, const std::string& outcome) {
    ExitRecord record{FaultClass::kUnknown, outcome, "it is over", "do nothing", step_};
    for (FaultClass c : {FaultClass::kNone, FaultClass::kUser, FaultClass::kStorage}) {
      if (fault_class == Name(c)) record.fault_class = c;
    }
    Tell(record);
    _exit(ExitCode(record));
  }

  LineReader in_{0};
  LineWriter out_{kEventFd};
  Document document_;
  int64_t step_ = 0;
};

}  // namespace

int main() {
  ScriptedRank().Run();
  return 0;
}
