// Generations and placements: which ranks of which job run where, and how they ended. A generation
// is current while it is its job's newest and has not ended; whatever is not current is refused.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/job/verdict.h"
#include "coordinator/state/jobs.h"
#include "coordinator/state/sqlite.h"

namespace ocellus::coordinator {

struct RankRow {
  int rank = 0;
  std::string node;
  int gpu = -1;          // -1 on CPU
  std::string instance;  // the agent process that was given the rank
  absl::Time ended = absl::InfinitePast();
  RankEnd end;  // when ended
};

struct GangRow {
  std::string job_id;
  int64_t generation = 0;
  v1::JobState state = v1::JOB_STATE_UNSPECIFIED;  // of the job
  v1::JobReason reason = v1::JOB_REASON_UNSPECIFIED;
  absl::Time since = absl::InfinitePast();    // of the state
  absl::Time started = absl::InfinitePast();  // of the generation
  std::vector<RankRow> ranks;                 // by rank

  bool all_ended() const;
  // Ends by time of arrival.
  std::vector<RankEnd> ends() const;
};

// The placement transaction: generation = newest + 1, rows for all ranks, the job STARTING.
// `ranks` need rank, node, gpu and instance; `cause` is what made this generation necessary.
absl::Status StartGeneration(Database& db, JobRow* job, const std::vector<RankRow>& ranks,
                             const std::string& cause, absl::Time now);

// Gangs of all jobs that are STARTING, RUNNING or STOPPING.
absl::StatusOr<std::vector<GangRow>> ActiveGangs(Database& db);

// FAILED_PRECONDITION / STALE_GENERATION when (job, generation) is not current; the metadata has
// job, generation and current.
absl::Status CheckCurrent(Database& db, const std::string& job_id, int64_t generation);
// And when the gang has no rank on `node`: another node's gang is not this agent's to speak for.
absl::Status CheckCurrentOn(Database& db, const std::string& job_id, int64_t generation,
                            const std::string& node);

// The first end of a rank counts; a second one changes nothing.
absl::Status RecordRankEnd(Database& db, const std::string& job_id, int64_t generation, int rank,
                           const RankEnd& end, absl::Time now);

struct GenerationEnd {
  std::string outcome;
  v1::FailureClass failure_class = v1::FAILURE_CLASS_UNSPECIFIED;
  int64_t steps = 0;
  double productive_s = 0;
};
absl::Status EndGeneration(Database& db, const std::string& job_id, int64_t generation,
                           const GenerationEnd& end, absl::Time now);
absl::Status RecordFirstStep(Database& db, const std::string& job_id, int64_t generation,
                             absl::Time now);

// Seconds to be expected between two faults of a gang on `nodes` machines: 4 in 1,000 node-days
// until the job's own generations tell more (the mean of the posterior of a Gamma prior of one
// fault).
absl::StatusOr<double> FaultInterval(Database& db, const std::string& job_id, int nodes,
                                     absl::Time now);

// Ranks that have not ended, by node: (job, gpu).
struct Occupied {
  std::string job_id;
  int gpu = -1;
};
absl::StatusOr<std::map<std::string, std::vector<Occupied>>> OccupiedSlots(Database& db);

}  // namespace ocellus::coordinator
