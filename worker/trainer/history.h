// The curve of a run: one record for a step, kept as history.jsonl beside the checkpoints. Records
// hold nothing of time or machine, so a resumed run has the same history as one that was never
// disturbed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ocellus::trainer {

struct HistoryRecord {
  int64_t step = 0;  // counted from 1
  double loss = 0;   // NaN where it was not finite
  double lr = 0;
  double grad_norm = 0;
  bool skipped = false;
};

class History {
 public:
  // A long run keeps every n-th step, so that there are at most about 10,000 records.
  // `chance_loss`: of an encoder that knows nothing, if there is such a level.
  explicit History(int64_t total_steps, std::optional<double> chance_loss = std::nullopt);

  void Add(const HistoryRecord& record);
  const std::vector<HistoryRecord>& records() const { return records_; }
  std::optional<double> chance_loss() const { return chance_loss_; }

  // Mean loss of the kept steps after `step` that were not skipped; nothing without one.
  std::optional<double> MeanLossSince(int64_t step) const;

  // JSON lines, in the order of the steps; with chance_loss in each where there is one.
  std::string ToText() const;

  // Takes the records of an earlier text up to and with `last_step`; lines that are no records are
  // passed over.
  void Restore(const std::string& text, int64_t last_step);

 private:
  int64_t every_;
  std::optional<double> chance_loss_;
  std::vector<HistoryRecord> records_;
};

}  // namespace ocellus::trainer
