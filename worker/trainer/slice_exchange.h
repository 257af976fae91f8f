// What ranks tell each other while they write one checkpoint: rank 0 where to write the slices of a
// step, each other rank what it wrote there.
//
// Of a step there may be several orders, counted from 0: a write that failed in an outage is tried
// again elsewhere. Each order has exactly one answer from each other rank, until rank 0 says that
// the step is over. Notes (worker/dist/notes.h) carry it. One thread asks, another may collect.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/checkpoint/manifest.h"
#include "worker/dist/notes.h"

namespace ocellus::trainer {

// Rank 0 moved on to another step before this one's order came.
inline constexpr char kGivenUp[] = "GIVEN_UP";

struct SliceOrder {
  bool over = false;   // nothing more is wanted of this step
  std::string prefix;  // where else
};

class SliceExchange {
 public:
  // `run`: the same on all ranks, and another in each run, since a store may outlive one.
  SliceExchange(std::unique_ptr<dist::Notes> notes, int64_t run, int rank, int world)
      : notes_(std::move(notes)), run_(run), rank_(rank), world_(world) {}

  int rank() const { return rank_; }
  int world() const { return world_; }

  // Rank 0's. Throws PEER_LOST.
  void Order(int64_t step, int attempt, const std::string& prefix);
  void End(int64_t step, int attempt);
  // Waits for all answers to an order, and clears it away. Throws wire::Fault: the first failure
  // among them, or UPLOAD_TIMEOUT.
  std::vector<checkpoint::FileEntry> Collect(int64_t step, int attempt,
                                             std::chrono::milliseconds limit);

  // The others'. Throws PEER_LOST.
  std::optional<SliceOrder> FindOrder(int64_t step, int attempt);
  void Answer(int64_t step, int attempt, const std::vector<checkpoint::FileEntry>& files);
  void Refuse(int64_t step, int attempt, const std::string& outcome, const std::string& failure);

 private:
  std::string OrderKey(int64_t step, int attempt) const;
  std::string AnswerKey(int64_t step, int attempt, int rank) const;
  std::string AwaitAnswer(const std::string& key, std::chrono::steady_clock::time_point deadline);

  std::unique_ptr<dist::Notes> notes_;
  int64_t run_;
  int rank_;
  int world_;
  std::string ended_;  // the key of the last end, until the next
};

}  // namespace ocellus::trainer
