// The lines on a rank's fd 3 (FORMAT.md, "Events"), the exit record among them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "worker/wire/fault.h"

namespace ocellus::wire {

struct Hello {
  int version = 0;
  int64_t pid = 0;
  std::string trainer_version;
};

struct Phase {
  std::string phase;  // init, data, train, checkpoint, eval, export
};

// A finished optimizer step. `samples` and `skipped` are totals of the job, `*_s` of this step.
struct Step {
  int64_t step = 0;
  int64_t total_steps = 0;
  double loss = 0;  // NaN when it was not finite
  double lr = 0;
  double grad_norm = 0;
  int64_t samples = 0;
  double step_s = 0;
  double data_wait_s = 0;
  double collective_wait_s = 0;
  int64_t skipped = 0;
  double images_per_s = 0;
  // The loss of an encoder that knows nothing; absent where the method has no such level.
  std::optional<double> chance_loss;
};

struct Restored {
  int64_t step = 0;
  std::string uri;
};

struct Damaged {
  std::string uri;
  std::string fault;
};

struct CheckpointBegin {
  int64_t step = 0;
};

struct CheckpointReady {
  int64_t step = 0;
  std::string upload_id;
  std::string manifest;
  double snapshot_s = 0;
  double stall_s = 0;
  double upload_s = 0;
};

struct CheckpointFailed {
  int64_t step = 0;
  std::string reason;
};

// Checkpoints cannot be stored for now, or can be again: the run goes on either way.
struct CheckpointPause {
  int64_t step = 0;
  bool paused = false;
  std::string reason;  // of the pause; empty at its end
};

struct Artifact {
  std::string kind;
  std::string uri;
};

struct Metric {
  std::string name;
  double value = 0;
  int64_t step = 0;
};

// Something about the training that a person should look at; the run goes on.
struct Alarm {
  std::string name;  // "collapse"
  int64_t step = 0;
  std::string text;
};

struct Log {
  std::string level;  // debug, info, warning, error
  std::string text;
};

struct StopAck {
  int64_t step = 0;
};

struct ExitRecord {
  FaultClass fault_class = FaultClass::kNone;
  std::string outcome;
  std::string message;
  std::string hint;
  int64_t step = 0;
};

// Holds std::monostate when its type is not known here: to be ignored.
using EventBody = std::variant<std::monostate, Hello, Phase, Step, Restored, Damaged,
                               CheckpointBegin, CheckpointReady, CheckpointFailed, CheckpointPause,
                               Artifact, Metric, Alarm, Log, StopAck, ExitRecord>;

struct Event {
  int rank = 0;
  double at = 0;  // Unix seconds
  EventBody body;
};

// Nothing and the reason in `*error` when the line is no event or a key is missing or wrong.
std::optional<Event> ParseEvent(const std::string& line, std::string* error);

// REQUIRES: `body` is not std::monostate.
std::string Print(const Event& event);

// What the process must return after `record`: 0, 2 for a user's error, else 1.
int ExitCode(const ExitRecord& record);

// The record of a fault that reached main.
ExitRecord RecordOf(const Fault& fault, int64_t step);

}  // namespace ocellus::wire
