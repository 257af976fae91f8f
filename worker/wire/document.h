// The first line on a rank's stdin: all that it needs to know to train (FORMAT.md, "Document").
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ocellus::wire {

// What this side speaks. The other side may be one version ahead.
inline constexpr int kVersion = 1;

// Who makes a checkpoint visible: the coordinator, by way of the agent, or the trainer itself.
enum class Commit { kAgent, kSelf };

struct CheckpointSettings {
  int64_t every_steps = 500;
  int keep = 3;
  int64_t keep_every_steps = 0;  // 0: none is kept for good
  int keep_best = 0;             // besides the newest, those with the best `best_metric`
  std::string best_metric;
  bool auto_interval = false;   // every_steps holds until a first checkpoint was measured
  double fault_interval_s = 0;  // to be expected between two faults; for auto_interval
  // Every rank of the gang is to have a copy of the newest state in memory, every so many steps; 0:
  // with each checkpoint.
  bool memory_copy = false;
  int64_t memory_every_steps = 0;
  Commit commit = Commit::kAgent;
};

// Memory of the agent that outlives a rank (worker/checkpoint/memory_copy.h).
struct MemoryCopy {
  int fd = -1;  // -1: none
  // What gangs up to this one wrote there may be restored; 0: nothing.
  int64_t generation = 0;
};

struct RestorePoint {
  int64_t step = 0;
  std::string uri;  // relative to the store, ends with '/'
};

struct Document {
  int version = kVersion;
  std::string job;
  std::string name;
  std::string project;
  int64_t generation = 0;
  int rank = 0;
  int world = 1;
  int local_rank = 0;
  std::string master_addr;
  int master_port = 0;
  std::string device;  // "cpu" or "cuda"
  int gpu = -1;        // -1 on CPU
  int threads = 1;
  nlohmann::json spec;  // the resolved training document
  std::string store;
  std::string prefix;  // of all the job's keys, ends with '/'
  CheckpointSettings checkpoint;
  std::vector<RestorePoint> restore;  // newest first
  MemoryCopy memory;
};

// Nothing and the reason in `*error` when a key is missing or wrong, or the version not spoken.
std::optional<Document> ParseDocument(const std::string& line, std::string* error);

// The same for the trainer: throws Fault (unknown, "INTERNAL"), since the agent wrote the line.
Document RequireDocument(const std::string& line);

std::string Print(const Document& document);

}  // namespace ocellus::wire
