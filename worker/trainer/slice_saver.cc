#include "worker/trainer/slice_saver.h"

#include <algorithm>

#include "worker/checkpoint/slices.h"
#include "worker/checkpoint/writer.h"
#include "worker/wire/failpoint.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

// What a step may wait for the checkpoint before.
constexpr std::chrono::seconds kRoomPatience{1};
// How often to look for an order: often at first, seldom in an outage.
constexpr std::chrono::milliseconds kPollMin{10}, kPollMax{500};

}  // namespace

SliceSaver::~SliceSaver() { GiveUp(); }

checkpoint::FileSources SliceSaver::Own(const checkpoint::FileSources& sources) const {
  return checkpoint::SlicesOf(sources, exchange_->rank(), exchange_->world(), store_->portions());
}

void SliceSaver::Prepare(const checkpoint::FileSources& sources) {
  prepared_ = std::async(std::launch::async, [this, own = Own(sources)] {
    checkpoint::YieldToTraining();
    snapshot_.Reserve(own);
  });
}

bool SliceSaver::MakeRoom() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kRoomPatience, [this] { return !writing_; });
}

// The thread ends; what it was not asked for yet it refuses.
void SliceSaver::GiveUp() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  quit_ = false;
}

void SliceSaver::Save(const checkpoint::FileSources& sources, const checkpoint::Manifest& manifest,
                      std::function<void()> /*before*/) {
  GiveUp();
  if (prepared_.valid()) prepared_.get();
  snapshot_.Take(Own(sources));
  wire::Failpoint("trainer.snapshot_taken");
  step_ = manifest.step;
  over_ = false;
  thread_ = std::thread([this, step = step_] { Serve(step); });
}

void SliceSaver::Serve(int64_t step) {
  try {
    for (int attempt = 0;; ++attempt) {
      const SliceOrder order = AwaitOrder(step, attempt);
      if (order.over) break;
      Write(step, attempt, order.prefix);
    }
  } catch (const wire::Fault&) {
    // Rank 0 is gone, and its store with it: the training's next exchange says so.
  }
  const std::lock_guard lock(mutex_);
  over_ = true;
  changed_.notify_all();
}

SliceOrder SliceSaver::AwaitOrder(int64_t step, int attempt) {
  const auto start = Clock::now();
  for (;;) {
    const auto order = exchange_->FindOrder(step, attempt);
    std::unique_lock lock(mutex_);
    writing_ = order && !order->over;
    if (order) return *order;
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
    changed_.wait_for(lock, std::clamp(waited / 20, kPollMin, kPollMax), [this] { return quit_; });
    if (!quit_) continue;
    lock.unlock();
    exchange_->Refuse(step, attempt, kGivenUp, "the checkpoint was given up for a newer one");
    return {.over = true};
  }
}

void SliceSaver::Write(int64_t step, int attempt, const std::string& prefix) {
  wire::Failpoint("trainer.slice_ordered");
  try {
    // In a thread that ends: the last thread of a process that is killed gives its memory back, and
    // one that yields to others takes seconds for that on a busy machine.
    auto files = std::async(std::launch::async, [&] {
      checkpoint::YieldToTraining();
      return checkpoint::WriteFiles(*store_, snapshot_, prefix, checkpoint::kUploadLimit);
    });
    exchange_->Answer(step, attempt, files.get());
  } catch (const wire::Fault& fault) {
    exchange_->Refuse(step, attempt, fault.outcome(), fault.what());
  } catch (const std::exception& error) {
    exchange_->Refuse(step, attempt, "INTERNAL", error.what());
  }
  wire::Failpoint("trainer.slice_told");
  const std::lock_guard lock(mutex_);
  writing_ = false;
  changed_.notify_all();
}

void SliceSaver::SaveForGood(const checkpoint::FileSources& sources,
                             const checkpoint::Manifest& manifest, std::function<void()> before,
                             std::chrono::seconds limit) {
  const auto deadline = Clock::now() + limit;
  std::unique_lock lock(mutex_);
  const auto await = [&](const auto& done) {
    if (changed_.wait_until(lock, deadline, done)) return;
    throw wire::Fault(wire::FaultClass::kStorage, "CHECKPOINT_UNANSWERED",
                      "the checkpoint of step " + std::to_string(manifest.step) +
                          " was not committed within " + std::to_string(limit.count()) + " s",
                      "see rank 0's log");
  };
  if (step_ != manifest.step) {
    await([this] { return !writing_; });
    lock.unlock();
    Save(sources, manifest, std::move(before));
    lock.lock();
  }
  await([this] { return over_; });
}

}  // namespace ocellus::trainer
