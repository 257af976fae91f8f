// The copy of the newest state in the agent's memory (worker/checkpoint/memory_copy.h): who writes
// it, and when it may be restored.
#pragma once

#include <optional>
#include <string>

#include "models/objective.h"
#include "models/optim/optimizer.h"
#include "worker/checkpoint/memory_copy.h"
#include "worker/dist/communicator.h"
#include "worker/trainer/reporter.h"
#include "worker/trainer/training_state.h"
#include "worker/wire/document.h"

namespace ocellus::trainer {

// One on each rank; without memory in the document it does nothing. The first rank of a machine
// writes, since all ranks have the same state.
class MemoryKeeper {
 public:
  explicit MemoryKeeper(const wire::Document& document);

  // Loads the copy when every rank of the gang has the same one and it is not older than the newest
  // checkpoint of the document, and tells of it (event `restored`). All ranks call it.
  std::optional<Progress> Restore(models::Objective& objective, models::optim::Optimizer& optimizer,
                                  dist::Communicator& ranks, Reporter& reporter);
  // What Write was given along with the state that Restore loaded.
  const std::string& notes() const { return notes_; }

  // A machine without room is told of once; the run goes on without a copy.
  void Write(models::Objective& objective, const models::optim::Optimizer& optimizer,
             const Progress& progress, const std::string& notes, Reporter& reporter);
  // Whether this rank writes.
  bool writes() const { return copy_ && document_.local_rank == 0; }

 private:
  wire::Document document_;
  std::optional<checkpoint::MemoryCopy> copy_;
  std::string notes_;
};

}  // namespace ocellus::trainer
