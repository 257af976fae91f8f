// What a rank other than 0 does for a checkpoint: keeps a snapshot of its slice, and writes it
// where rank 0 says, until rank 0 says that the step is over (slice_exchange.h).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <future>
#include <mutex>
#include <thread>

#include "worker/checkpoint/snapshot.h"
#include "worker/store/object_store.h"
#include "worker/trainer/saver.h"
#include "worker/trainer/slice_exchange.h"

namespace ocellus::trainer {

class SliceSaver final : public Saver {
 public:
  // Nothing is owned.
  SliceSaver(store::ObjectStore* store, SliceExchange* exchange, checkpoint::Allocate allocate)
      : store_(store), exchange_(exchange), snapshot_(std::move(allocate)) {}
  ~SliceSaver() override;

  void Prepare(const checkpoint::FileSources& sources) override;
  bool MakeRoom() override;
  void Save(const checkpoint::FileSources& sources, const checkpoint::Manifest& manifest,
            std::function<void()> before) override;
  void LeaveOut(int64_t /*step*/) override {}
  void Advance() override {}
  void SaveForGood(const checkpoint::FileSources& sources, const checkpoint::Manifest& manifest,
                   std::function<void()> before, std::chrono::seconds limit) override;

 private:
  using Clock = std::chrono::steady_clock;

  checkpoint::FileSources Own(const checkpoint::FileSources& sources) const;
  void GiveUp();
  void Serve(int64_t step);
  SliceOrder AwaitOrder(int64_t step, int attempt);
  void Write(int64_t step, int attempt, const std::string& prefix);

  store::ObjectStore* store_;
  SliceExchange* exchange_;
  checkpoint::Snapshot snapshot_;
  std::future<void> prepared_;
  int64_t step_ = -1;   // of the snapshot
  std::thread thread_;  // serves it

  std::mutex mutex_;
  std::condition_variable changed_;
  bool writing_ = false;  // guarded by mutex_
  bool over_ = true;      // guarded by mutex_; nothing more will be asked of the snapshot
  bool quit_ = false;     // guarded by mutex_
};

}  // namespace ocellus::trainer
