// Memory for the newest state of jobs that ask for it (checkpoint.memory_copy): it outlives a rank,
// not this process. Ranks write and read it (worker/checkpoint/memory_copy.h); here it is only held
// and lent, so that no gang gets another's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "ocellus/v1/worker.pb.h"
#include "worker/agent/limits.h"
#include "worker/wire/document.h"

namespace ocellus::agent {

// Used by one thread.
class MemoryCopies {
 public:
  explicit MemoryCopies(const Limits& limits) : kept_(limits.memory_kept) {}
  ~MemoryCopies();
  MemoryCopies(const MemoryCopies&) = delete;
  MemoryCopies& operator=(const MemoryCopies&) = delete;

  // For a gang that is about to start, whose predecessors here are dead. What they wrote may be
  // restored only when no generation in between ran elsewhere: else what lies there is stale, and
  // the gang gets fresh memory. `fd` stays this object's.
  absl::StatusOr<wire::MemoryCopy> Lend(const v1::GangRef& gang);

  // No process of the gang is left. `well`: it ended by itself or by order, so that its state is in
  // the store; else the memory waits some minutes for the next generation.
  void Ended(const v1::GangRef& gang, bool well, SteadyTime now);
  void Sweep(SteadyTime now);

 private:
  struct Entry {
    int fd = -1;
    int64_t last = 0;  // the newest generation that had it
    std::optional<SteadyTime> idle_since;
  };

  const Millis kept_;
  std::map<std::string, Entry> entries_;  // by job
};

}  // namespace ocellus::agent
