// What becomes of a job when every rank of its gang has ended: failure classes, budgets, backoff
// and the breaker against restarts that lead nowhere. Pure; the caller writes the result in one
// transaction.
//
//   class           then
//   USER            FAILED, after retry.user_retries more tries
//   INFRA_PROCESS, INFRA_NODE, HANG   again, under the breaker; INFRA_PROCESS at once when the job
//                   keeps a copy in memory and this gang got on
//   STORAGE         again after the backoff; not charged, the breaker does not count it
//   COORDINATOR     again at once: it was our doing, never charged
//   UNKNOWN         again retry.unknown_retries times, then HELD
//
// Breaker: three generations in a row that failed without a newer commit hold the job.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "ocellus/v1/job.pb.h"

namespace ocellus::coordinator {

inline constexpr int kFruitlessGenerationsMax = 3;
inline constexpr absl::Duration kBackoffMax = absl::Minutes(10);

// Outcomes of RankEnded that mean something here; any other is an error's name.
inline constexpr char kSucceeded[] = "SUCCEEDED";
inline constexpr char kStoppedAt[] = "STOPPED_AT";
inline constexpr char kPeerLost[] = "PEER_LOST";
inline constexpr char kKilled[] = "KILLED";
inline constexpr char kLeaseLost[] = "LEASE_LOST";
inline constexpr char kAgentLost[] = "AGENT_LOST";
inline constexpr char kNoCheckpointLeft[] = "NO_CHECKPOINT_LEFT";

// How one rank ended. The Failure part is what is shown when it was the first.
struct RankEnd {
  std::string outcome;
  int64_t step = 0;
  v1::Failure failure;  // class, node, rank, exit code or signal, message, hint, last lines, at
};

// What a job has used up. Kept with the job.
struct Budget {
  int user_failures = 0;
  int unknown_failures = 0;
  int fruitless = 0;              // failed generations in a row without a newer commit
  int failures_since_commit = 0;  // exponent of the backoff
};

struct GangEnd {
  std::string job_id;
  int64_t generation = 0;
  v1::JobReason cause = v1::JOB_REASON_UNSPECIFIED;  // of STOPPING
  std::vector<RankEnd> ranks;                        // by time of arrival
  int64_t committed_step = 0;                        // newest commit now; 0 is none
  bool committed_newer = false;                      // the gang itself committed
  int64_t restored_step = 0;                         // where the gang began
  bool memory_copy = false;                          // its newest state outlives a rank
  v1::RetryPolicy retry;
  Budget budget;
  absl::Duration backoff_base = absl::Seconds(10);
};

struct Verdict {
  v1::JobState state = v1::JOB_STATE_PENDING;
  v1::JobReason reason = v1::JOB_REASON_NEXT_CYCLE;
  std::string message;
  v1::FailureClass failure_class = v1::FAILURE_CLASS_UNSPECIFIED;
  std::optional<v1::Failure> failure;  // the root cause; absent when nothing went wrong
  Budget budget;                       // after this gang
  absl::Duration backoff;              // zero: at once
};

// REQUIRES: at least one rank.
Verdict Judge(const GangEnd& end);

// The earliest end that is no mere consequence of another (PEER_LOST, KILLED); else the earliest.
// Ends with SUCCEEDED or STOPPED_AT are causes only when there is no other.
const RankEnd& RootCause(const std::vector<RankEnd>& ranks);

// base x 2^(failures - 1), at most kBackoffMax, +-20 % by a hash of job and generation.
absl::Duration Backoff(absl::Duration base, int failures, const std::string& job_id,
                       int64_t generation);

}  // namespace ocellus::coordinator
