// Which ranks this agent runs, on disk: so that the next agent process on this data folder can kill
// what an earlier one left behind (the kernel does so too, but not for a rank that is stuck).
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace ocellus::agent {

// Not thread-safe. A pid is only believed together with its start time and the machine's boot id.
class RankLedger {
 public:
  // Keeps its file at `path`.
  explicit RankLedger(std::string path) : path_(std::move(path)) {}

  void Add(pid_t pid);
  void Remove(pid_t pid);

  // SIGKILLs what the file names and still runs, and waits for its end. The number of ranks killed;
  // DEADLINE_EXCEEDED when one does not end (a device holds it).
  static absl::StatusOr<int> KillLeftovers(const std::string& path);

 private:
  void Save() const;

  std::string path_;
  std::map<pid_t, std::string> start_times_;
};

}  // namespace ocellus::agent
