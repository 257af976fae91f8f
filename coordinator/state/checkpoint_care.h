// What becomes of single checkpoints after their commit: kept or expired by policy, pinned, removed
// or copied by people, suspected after bad restarts. Each change leaves an event of the job in its
// transaction; people's are thereby accounted for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/state/checkpoints.h"

namespace ocellus::coordinator {

// Two gangs in a row that failed within so many steps of the same checkpoint make it SUSPECT.
inline constexpr int kBadRestartsMax = 2;
inline constexpr int64_t kBadRestartSteps = 20;

// Marks as DELETED what the policy does not keep and returns it: neither pinned, nor among the
// newest `keep`, nor at a multiple of `keep_every_steps`, nor among the `keep_best` best, and never
// the newest.
absl::StatusOr<std::vector<CheckpointRow>> ExpireCheckpoints(Database& db,
                                                             const std::string& job_id,
                                                             const v1::CheckpointPolicy& policy,
                                                             absl::Time now);

// `metric`'s number under "metrics" in the manifest's text; nothing when it is not there.
std::optional<double> MetricOf(const std::string& manifest, const std::string& metric);

// These change `row` too. WRONG_STATE when a checkpoint is not COMMITTED any more.
absl::Status SetPinned(Database& db, bool pinned, const std::string& actor, absl::Time now,
                       CheckpointRow* row);
// Marks as DELETED. WRONG_STATE without `force` for the newest committed one and for a pinned one;
// the message says what to do.
absl::Status Remove(Database& db, bool force, const std::string& actor, absl::Time now,
                    CheckpointRow* row);
absl::Status RecordCopy(Database& db, const CheckpointRow& row, const std::string& destination,
                        const std::string& actor, absl::Time now);

// What the gang says that it began from; `uri` is relative to the store, or kFromMemory.
inline constexpr char kFromMemory[] = "memory";
absl::Status RecordRestore(Database& db, const std::string& job_id, int64_t generation,
                           int64_t step, const std::string& uri);
struct Origin {
  int64_t step = 0;
  std::string uri;
};
absl::StatusOr<Origin> OriginOf(Database& db, const std::string& job_id, int64_t generation);

// A gang failed soon after it began from `prefix`. At the second time the checkpoint becomes
// SUSPECT, when there is an older one to go back to.
absl::Status CountBadRestart(Database& db, const std::string& job_id, const std::string& prefix,
                             absl::Time now);

}  // namespace ocellus::coordinator
