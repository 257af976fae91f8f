// Child programs that live as long as this one: started, watched, restarted with backoff.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace ocellus::cli {

struct ChildSpec {
  std::string name;                  // for messages
  std::vector<std::string> command;  // program and arguments
  std::string log;                   // file that its output is appended to
};

// Not thread-safe. Make it before any other thread starts: it blocks SIGCHLD, SIGTERM, SIGINT and
// SIGHUP, which Pump then takes. Children get SIGKILL from the kernel when this process dies.
class Supervisor {
 public:
  Supervisor();
  ~Supervisor();  // kills what still runs

  // Starts a child and keeps it. Its index.
  size_t Add(ChildSpec spec);
  // What is run the next time that this child starts (ports that are known only now).
  void SetCommand(size_t child, std::vector<std::string> command);

  // Waits for at most `timeout`, restarts what has died and is due. The number of a signal to end
  // (SIGTERM, SIGINT, SIGHUP), or 0.
  int Pump(absl::Duration timeout);

  // SIGTERM to one child, then SIGKILL after `grace`. A second signal to us shortens that.
  void Stop(size_t child, absl::Duration grace);

  bool running(size_t child) const { return children_[child].pid > 0; }
  pid_t pid(size_t child) const { return children_[child].pid; }
  int deaths(size_t child) const { return children_[child].deaths; }

 private:
  struct Child {
    ChildSpec spec;
    pid_t pid = 0;
    bool wanted = true;
    int deaths = 0;  // since the start of this process
    absl::Time started;
    absl::Time next_start;
    absl::Duration backoff;
  };

  void Start(Child* child);
  void Reap();
  void Died(Child* child, int status);
  absl::Duration UntilNextStart(absl::Duration at_most) const;

  std::vector<Child> children_;
};

// The last lines of a child's log, indented.
std::string LogTail(const std::string& path, int lines);

}  // namespace ocellus::cli
