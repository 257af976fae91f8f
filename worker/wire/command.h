// The later lines on a rank's stdin (FORMAT.md, "Commands").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ocellus::wire {

struct Stop {
  std::string cause;  // a JobReason without its prefix: "CANCEL"
  double grace_s = 0;
  bool checkpoint = false;
};

struct CheckpointGrant {
  int64_t step = 0;
  std::string upload_id;
  std::string prefix;  // relative to the store, ends with '/'
};

struct CheckpointResult {
  int64_t step = 0;
  bool committed = false;
  std::string reason;                // why not; empty when committed
  std::vector<std::string> expired;  // prefixes, relative to the store, that retention freed
  bool unavailable = false;          // not refused: the coordinator could not reach the store
};

// Holds std::monostate when its type is not known here: to be ignored.
using Command = std::variant<std::monostate, Stop, CheckpointGrant, CheckpointResult>;

// Nothing and the reason in `*error` when the line is no command or a key is missing or wrong.
std::optional<Command> ParseCommand(const std::string& line, std::string* error);

std::string Print(const Stop& stop);
std::string Print(const CheckpointGrant& grant);
std::string Print(const CheckpointResult& result);

}  // namespace ocellus::wire
