// A rank's part in checkpoints, as the loop sees it: rank 0 leads (checkpointer.h), the others
// write their slices (slice_saver.h). All of them are called alike, by the loop's thread.
#pragma once

#include <chrono>
#include <functional>

#include "worker/checkpoint/manifest.h"
#include "worker/checkpoint/snapshot.h"

namespace ocellus::trainer {

class Saver {
 public:
  virtual ~Saver() = default;

  // Fetches the memory that snapshots of `sources` need, while the caller goes on.
  virtual void Prepare(const checkpoint::FileSources& sources) = 0;

  // Whether a snapshot may be taken now. Waits a second at most for a write in progress: no store
  // and no coordinator holds up a step longer. Throws as Save.
  virtual bool MakeRoom() = 0;

  // Takes a snapshot of this rank's slice of `sources` and starts to save it; `before` is called by
  // the writing thread first. REQUIRES: MakeRoom just said yes on every rank. Throws wire::Fault
  // (storage) at the third failure in a row.
  virtual void Save(const checkpoint::FileSources& sources, const checkpoint::Manifest& manifest,
                    std::function<void()> before) = 0;

  // There was no room on some rank: no checkpoint is taken of `step`. Rank 0 tells of it (metric
  // `checkpoint_left_out`).
  virtual void LeaveOut(int64_t step) = 0;

  // Takes the checkpoint under way one stage further, without waiting. Throws as Save.
  virtual void Advance() = 0;

  // Saves and waits until that step is committed; tries again after a failure. Throws as Save, and
  // wire::Fault (storage, CHECKPOINT_UNANSWERED) when `limit` is over.
  virtual void SaveForGood(const checkpoint::FileSources& sources,
                           const checkpoint::Manifest& manifest, std::function<void()> before,
                           std::chrono::seconds limit) = 0;
};

}  // namespace ocellus::trainer
