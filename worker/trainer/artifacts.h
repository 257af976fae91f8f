// What a job leaves beside its checkpoints for people to look at and take away.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "worker/store/object_store.h"
#include "worker/trainer/errands.h"
#include "worker/trainer/reporter.h"

namespace ocellus::trainer {

// Rank 0 alone has one. Thread-safe. A store that refuses an artifact is worth a warning, never the
// run.
class Artifacts {
 public:
  // Nothing is owned. `prefix`: of the job's keys, ends in '/' or is empty.
  Artifacts(store::ObjectStore* store, const std::string& prefix, Reporter* reporter)
      : store_(store), prefix_(prefix + "artifacts/"), reporter_(reporter) {}

  // Puts `bytes` under "<prefix>artifacts/<name>" and tells of it as `kind` (FORMAT.md).
  void Put(const std::string& kind, const std::string& name, std::span<const std::byte> bytes);
  void Put(const std::string& kind, const std::string& name, const std::string& text);

  // The same in the background, for the loop's thread. Dropped with a warning when many wait.
  void PutLater(const std::string& kind, const std::string& name, std::vector<std::byte> bytes);
  // What was put later is there, or was warned of.
  void Finish() { errands_.Finish(); }

  // An artifact's text; empty when it is not there.
  std::string Get(const std::string& name);

 private:
  store::ObjectStore* store_;
  std::string prefix_;
  Reporter* reporter_;
  Errands errands_;
};

}  // namespace ocellus::trainer
