// Tries on a store all that a job needs, one operation after the other, and says what is missing.
#pragma once

#include <string>
#include <vector>

#include "worker/store/object_store.h"

namespace ocellus::store {

struct CheckStep {
  enum class State { kPassed, kFailed, kSkipped };  // skipped: it needs a step that failed
  std::string name;                                 // "write", "conditional write" ...
  std::string needs;                                // the permissions of S3: "s3:PutObject"
  std::string serves;                               // what a job does with it
  State state = State::kPassed;
  std::string message;  // of a failure
  std::string hint;     // what to do about it
  double seconds = 0;
};

// Writes, reads and removes objects below a prefix of its own, "ocellus-check-<random>/", and
// leaves nothing. Never throws for what the store refuses; `large_bytes` go through the write in
// parts.
std::vector<CheckStep> CheckStore(ObjectStore* store, size_t large_bytes = 20 << 20);

bool Passed(const std::vector<CheckStep>& steps);

}  // namespace ocellus::store
