// Deletes the checkpoints that retention frees, in the background. Used by the loop's thread.
#pragma once

#include <string>
#include <vector>

#include "worker/store/object_store.h"
#include "worker/trainer/errands.h"
#include "worker/trainer/reporter.h"
#include "worker/wire/document.h"

namespace ocellus::trainer {

class CheckpointExpiry {
 public:
  // Nothing is owned.
  CheckpointExpiry(const wire::Document* document, store::ObjectStore* store, Reporter* reporter)
      : document_(document), store_(store), reporter_(reporter) {}

  // Those that the coordinator names.
  void Delete(const std::vector<std::string>& prefixes);
  // For a run by hand: those that the document's policy leaves.
  void Apply();
  // Waits until they are deleted.
  void Finish() { errands_.Finish(); }

 private:
  const wire::Document* document_;
  store::ObjectStore* store_;
  Reporter* reporter_;
  Errands errands_;
};

}  // namespace ocellus::trainer
