// Rank 0's side of a checkpoint: snapshot, background write, commit, retention.
//
// With an agent the way is `checkpoint_begin`, a grant, the write, `checkpoint_ready`, a result
// (FORMAT.md); the loop never waits for an answer but at the end. By hand the manifest is put last
// and that is the commit.
//
// A failed checkpoint is a warning; the third in a row is a fault. A store that cannot be reached
// is neither: checkpoints pause (event `checkpoint_pause`), the newest snapshot is tried again, and
// training goes on for as long as it takes.
//
// Used by the loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "worker/checkpoint/snapshot.h"
#include "worker/checkpoint/writer.h"
#include "worker/store/object_store.h"
#include "worker/trainer/control.h"
#include "worker/trainer/errands.h"
#include "worker/trainer/reporter.h"
#include "worker/trainer/training_state.h"
#include "worker/wire/document.h"

namespace ocellus::trainer {

class Checkpointer {
 public:
  // Nothing is owned. `committed_step`: of the newest checkpoint there is, or -1.
  Checkpointer(const wire::Document& document, store::ObjectStore* store, Control* control,
               Reporter* reporter, int64_t committed_step);

  // Takes a snapshot and starts to save it; `before` is called by the writing thread first. Waits a
  // second at most for a write in progress: when that is not through, or an agent has not answered
  // yet, this checkpoint is left out, so that no store and no coordinator holds up a step. Throws
  // wire::Fault (storage) at the third failure in a row.
  void Save(const checkpoint::FileSources& sources, const checkpoint::Manifest& manifest,
            std::function<void()> before = {});

  // Takes the checkpoint under way one stage further, without waiting. Throws as Save.
  void Advance();

  // Saves and waits until that step is committed; tries again after a failure. Throws as Save, and
  // wire::Fault (storage, CHECKPOINT_UNANSWERED) when `limit` is over.
  void SaveForGood(const checkpoint::FileSources& sources, const checkpoint::Manifest& manifest,
                   std::function<void()> before, std::chrono::seconds limit);

  // Waits until what expired is deleted.
  void Finish() { errands_.Finish(); }

  int64_t committed_step() const { return committed_step_; }
  // How long training stood for the last Save.
  double stall_seconds() const { return stall_seconds_; }

 private:
  enum class Stage { kIdle, kAwaitsGrant, kWrites, kAwaitsResult };
  using Clock = std::chrono::steady_clock;

  bool MakeRoom();
  void Begin();
  void StartWrite(const std::string& prefix);
  void OnGrant(const wire::CheckpointGrant& grant);
  void OnWritten(const checkpoint::WriteResult& result);
  void OnResult(const wire::CheckpointResult& result);
  void Committed(int64_t step);
  void Failed(int64_t step, const std::string& outcome, const std::string& reason);
  void Pause(int64_t step, const std::string& reason);
  void DeleteExpired(const std::vector<std::string>& prefixes);
  void ApplyRetention();
  bool self_commit() const { return document_.checkpoint.commit == wire::Commit::kSelf; }

  wire::Document document_;
  store::ObjectStore* store_;
  Control* control_;
  Reporter* reporter_;
  checkpoint::Snapshot snapshot_;
  checkpoint::Writer writer_;
  Errands errands_;
  Stage stage_ = Stage::kIdle;
  checkpoint::Manifest manifest_;  // of the checkpoint under way
  std::function<void()> before_;
  std::string upload_id_;
  Clock::time_point asked_at_{};
  bool paused_ = false;
  std::optional<Clock::time_point> retry_at_;  // while paused and nothing is under way
  double snapshot_seconds_ = 0;
  double stall_seconds_ = 0;
  int64_t committed_step_;
  int failures_in_a_row_ = 0;
};

}  // namespace ocellus::trainer
