// What the outside wants of a running loop: stop, and answers about checkpoints. Filled by the
// thread that reads commands or signals, looked at by the loop. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "worker/wire/command.h"

namespace ocellus::trainer {

class Control {
 public:
  // The first stop counts; later ones change nothing. Returns the step after which this rank means
  // to stop, for the acknowledgement: the one that it is in, or the one that was agreed on.
  int64_t RequestStop(const wire::Stop& stop);
  std::optional<wire::Stop> stop() const;

  // The loop is in optimizer step `step`, counted from 1.
  void EnterStep(int64_t step);
  // Steps that are finished on this rank.
  void FinishStep(int64_t step);
  int64_t finished() const;

  void Deliver(const wire::CheckpointGrant& grant);
  void Deliver(const wire::CheckpointResult& result);
  std::optional<wire::CheckpointGrant> TakeGrant();
  std::optional<wire::CheckpointResult> TakeResult();
  // Returns when a grant or a result lies there, or at `limit`.
  void WaitForMail(std::chrono::milliseconds limit);

 private:
  mutable std::mutex mutex_;
  std::condition_variable mail_;
  std::optional<wire::Stop> stop_;
  int64_t step_ = 0;
  int64_t finished_ = 0;
  std::deque<wire::CheckpointGrant> grants_;
  std::deque<wire::CheckpointResult> results_;
};

}  // namespace ocellus::trainer
