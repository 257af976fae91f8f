// Rank 0's side of a checkpoint: snapshot, background write, commit, retention. The other ranks
// write their slices where it says (slice_exchange.h); the manifest names all of them.
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
#include <future>
#include <optional>
#include <string>

#include "worker/checkpoint/snapshot.h"
#include "worker/checkpoint/writer.h"
#include "worker/store/object_store.h"
#include "worker/trainer/checkpoint_expiry.h"
#include "worker/trainer/control.h"
#include "worker/trainer/reporter.h"
#include "worker/trainer/saver.h"
#include "worker/trainer/slice_exchange.h"
#include "worker/trainer/training_state.h"
#include "worker/wire/document.h"

namespace ocellus::trainer {

class Checkpointer final : public Saver {
 public:
  // Nothing is owned. `exchange`: null in a gang of one. `committed_step`: of the newest checkpoint
  // there is, or -1.
  Checkpointer(const wire::Document& document, store::ObjectStore* store, Control* control,
               Reporter* reporter, SliceExchange* exchange, checkpoint::Allocate allocate,
               int64_t committed_step);

  void Prepare(const checkpoint::FileSources& sources) override;
  // No, too, while an agent has not answered yet, for 30 s.
  bool MakeRoom() override;
  void Save(const checkpoint::FileSources& sources, const checkpoint::Manifest& manifest,
            std::function<void()> before) override;
  void LeaveOut(int64_t step) override;
  void Advance() override;
  void SaveForGood(const checkpoint::FileSources& sources, const checkpoint::Manifest& manifest,
                   std::function<void()> before, std::chrono::seconds limit) override;

  // Waits until what expired is deleted.
  void Finish() { expiry_.Finish(); }

  int64_t committed_step() const { return committed_step_; }

 private:
  enum class Stage { kIdle, kAwaitsGrant, kWrites, kAwaitsResult };
  using Clock = std::chrono::steady_clock;

  checkpoint::FileSources Own(const checkpoint::FileSources& sources) const;
  void Begin();
  void EndStory(int64_t step);
  void StartWrite(const std::string& prefix);
  void OnGrant(const wire::CheckpointGrant& grant);
  void OnWritten(const checkpoint::WriteResult& result);
  void OnResult(const wire::CheckpointResult& result);
  void Committed(int64_t step);
  void Failed(int64_t step, const std::string& outcome, const std::string& reason);
  void Pause(int64_t step, const std::string& reason);
  bool self_commit() const { return document_.checkpoint.commit == wire::Commit::kSelf; }

  wire::Document document_;
  store::ObjectStore* store_;
  Control* control_;
  Reporter* reporter_;
  SliceExchange* exchange_;
  checkpoint::Snapshot snapshot_;
  std::future<void> prepared_;
  checkpoint::Writer writer_;
  CheckpointExpiry expiry_;
  Stage stage_ = Stage::kIdle;
  checkpoint::Manifest manifest_;  // of the checkpoint under way
  std::function<void()> before_;
  std::string upload_id_;
  int attempt_ = 0;    // orders of its slices so far
  bool open_ = false;  // more orders may come
  Clock::time_point asked_at_{};
  bool paused_ = false;
  std::optional<Clock::time_point> retry_at_;  // while paused and nothing is under way
  double snapshot_seconds_ = 0;
  Clock::time_point asked_room_at_{};
  double stall_seconds_ = 0;  // from MakeRoom to the end of Save
  int64_t committed_step_;
  int failures_in_a_row_ = 0;
};

}  // namespace ocellus::trainer
