// The commit of a checkpoint: objects first, the manifest last, then the row, which alone makes it
// count. A gang whose generation is over is stopped at the row: the transaction checks the
// generation again.
//
// Thread-safe. All calls may be repeated after UNAVAILABLE, and after an answer that was lost.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/base/clock.h"
#include "coordinator/state/checkpoints.h"
#include "coordinator/state/objects.h"
#include "coordinator/state/store.h"

namespace ocellus::coordinator {

class Ledger {
 public:
  // All outlive the ledger. `garbage_age`: what nobody needs is left alone for so long.
  Ledger(Store* store, Objects* objects, const Clock* clock,
         absl::Duration garbage_age = absl::Hours(1))
      : store_(store), objects_(objects), clock_(clock), garbage_age_(garbage_age) {}

  // A prefix that no other writer has. STALE_GENERATION.
  absl::StatusOr<CheckpointRow> Begin(const std::string& job_id, int64_t generation, int64_t step);

  struct Commitment {
    CheckpointRow checkpoint;
    std::vector<std::string> expired_prefixes;  // retention frees them now
  };
  // STALE_GENERATION; CHECKPOINT_INCOMPLETE when the manifest is no manifest of this upload or a
  // file that it names is absent or has another size; WRONG_STATE when the step is not above the
  // last commit.
  absl::StatusOr<Commitment> Commit(const std::string& job_id, int64_t generation,
                                    const std::string& upload_id, int64_t step,
                                    const std::string& manifest, const std::string& actor);

  // A restore found that the checkpoint at `uri` (full, or relative to the store) is not sound.
  // STALE_GENERATION, CHECKPOINT_NOT_FOUND.
  absl::Status ReportDamage(const std::string& job_id, int64_t generation, const std::string& uri,
                            const std::string& fault, const std::string& actor);

  // Reads every byte. What is missing or wrong, one line each, marks it DAMAGED.
  absl::StatusOr<std::vector<std::string>> Verify(CheckpointRow* row, const std::string& actor);

  // Its text, as it lies in the store.
  absl::StatusOr<std::string> ReadManifest(const CheckpointRow& row);

  // The bytes of a checkpoint that is DELETED. When it fails, Sweep does it later.
  absl::Status Free(const CheckpointRow& row);
  // Deletes what FindGarbage finds, a limited number a call.
  absl::Status Sweep();

  std::string store_uri() const { return objects_->uri(); }

 private:
  absl::StatusOr<int64_t> CheckFiles(const CheckpointRow& upload, const std::string& manifest);
  absl::Status PutManifest(const CheckpointRow& upload, const std::string& manifest);
  absl::StatusOr<Commitment> WriteRow(CheckpointRow row, const std::string& manifest,
                                      const std::string& actor);
  absl::Status MarkDamaged(Database& db, const CheckpointRow& row, const std::string& fault,
                           const std::string& actor);

  Store* store_;
  Objects* objects_;
  const Clock* clock_;
  const absl::Duration garbage_age_;
};

}  // namespace ocellus::coordinator
