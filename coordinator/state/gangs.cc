#include "coordinator/state/gangs.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/transitions.h"

namespace ocellus::coordinator {
namespace {

RankRow RankFromRow(const Statement& row, int first) {
  RankRow rank;
  rank.rank = static_cast<int>(row.Int(first));
  rank.node = row.Text(first + 1);
  rank.gpu = static_cast<int>(row.Int(first + 2));
  rank.instance = row.Text(first + 3);
  rank.ended = row.Time(first + 4);
  rank.end.outcome = row.Text(first + 5);
  rank.end.step = row.Int(first + 6);
  rank.end.failure.ParseFromString(row.Text(first + 7));
  return rank;
}

std::string Summary(const std::vector<RankRow>& ranks) {
  std::map<std::string, int> by_node;
  for (const RankRow& rank : ranks) {
    ++by_node[rank.node];
  }
  std::string text;
  for (const auto& [node, count] : by_node) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", count, count == 1 ? " rank" : " ranks", " on ",
                    node);
  }
  return text;
}

absl::Status Stale(const std::string& job_id, int64_t generation, int64_t newest) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_STALE_GENERATION,
               absl::StrCat("generation ", generation, " of ", job_id,
                            " is not current here; kill this gang"),
               {{"job", job_id},
                {"generation", absl::StrCat(generation)},
                {"current", absl::StrCat(newest)}});
}

}  // namespace

bool GangRow::all_ended() const {
  return std::all_of(ranks.begin(), ranks.end(),
                     [](const RankRow& rank) { return rank.ended != absl::InfinitePast(); });
}

std::vector<RankEnd> GangRow::ends() const {
  std::vector<const RankRow*> ended;
  for (const RankRow& rank : ranks) {
    if (rank.ended != absl::InfinitePast()) {
      ended.push_back(&rank);
    }
  }
  std::stable_sort(ended.begin(), ended.end(),
                   [](const RankRow* a, const RankRow* b) { return a->ended < b->ended; });
  std::vector<RankEnd> ends;
  for (const RankRow* rank : ended) {
    ends.push_back(rank->end);
  }
  return ends;
}

absl::Status StartGeneration(Database& db, JobRow* job, const std::vector<RankRow>& ranks,
                             const std::string& cause, absl::Time now) {
  ++job->generation;
  job->backoff_until = absl::InfinitePast();
  OCELLUS_RETURN_IF_ERROR(db.Run(
      "INSERT INTO generations (job, g, world, cause_started, outcome, class, started, first_step, "
      "ended, steps, productive_s) VALUES (?, ?, ?, ?, '', 0, ?, 0, 0, 0, 0)",
      job->id, job->generation, static_cast<int64_t>(ranks.size()), cause, now));
  for (const RankRow& rank : ranks) {
    OCELLUS_RETURN_IF_ERROR(db.Run(
        "INSERT INTO placements (job, g, rank, node, gpu, instance, ended, outcome, step, failure) "
        "VALUES (?, ?, ?, ?, ?, ?, 0, '', 0, x'')",
        job->id, job->generation, rank.rank, rank.node, rank.gpu, rank.instance));
  }
  return ChangeState(db, job,
                     {v1::JOB_STATE_STARTING, v1::JOB_REASON_LAUNCHING, Summary(ranks), "scheduler",
                      v1::JOB_EVENT_TYPE_GANG_PLACED},
                     now);
}

absl::StatusOr<std::vector<GangRow>> ActiveGangs(Database& db) {
  Statement rows = db.Query(
      "SELECT j.id, j.generation, j.state, j.reason, j.since, g.started, p.rank, p.node, p.gpu, "
      "p.instance, p.ended, p.outcome, p.step, p.failure FROM jobs j "
      "JOIN generations g ON g.job = j.id AND g.g = j.generation "
      "JOIN placements p ON p.job = j.id AND p.g = j.generation "
      "WHERE j.state IN (2, 3, 4) ORDER BY j.seq, p.rank");
  std::vector<GangRow> gangs;
  while (rows.Next()) {
    if (gangs.empty() || gangs.back().job_id != rows.Text(0)) {
      GangRow& gang = gangs.emplace_back();
      gang.job_id = rows.Text(0);
      gang.generation = rows.Int(1);
      gang.state = static_cast<v1::JobState>(rows.Int(2));
      gang.reason = static_cast<v1::JobReason>(rows.Int(3));
      gang.since = rows.Time(4);
      gang.started = rows.Time(5);
    }
    gangs.back().ranks.push_back(RankFromRow(rows, 6));
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return gangs;
}

absl::Status CheckCurrent(Database& db, const std::string& job_id, int64_t generation) {
  Statement row = db.Query("SELECT state, generation FROM jobs WHERE id = ?", job_id);
  const bool known = row.Next();
  OCELLUS_RETURN_IF_ERROR(row.status());
  const int64_t newest = known ? row.Int(1) : 0;
  if (known && newest == generation && HasGang(static_cast<v1::JobState>(row.Int(0)))) {
    return absl::OkStatus();
  }
  return Stale(job_id, generation, newest);
}

absl::Status CheckCurrentOn(Database& db, const std::string& job_id, int64_t generation,
                            const std::string& node) {
  OCELLUS_RETURN_IF_ERROR(CheckCurrent(db, job_id, generation));
  Statement row = db.Query("SELECT COUNT(*) FROM placements WHERE job = ? AND g = ? AND node = ?",
                           job_id, generation, node);
  const bool placed = row.Next() && row.Int(0) > 0;
  OCELLUS_RETURN_IF_ERROR(row.status());
  return placed ? absl::OkStatus() : Stale(job_id, generation, generation);
}

absl::Status RecordRankEnd(Database& db, const std::string& job_id, int64_t generation, int rank,
                           const RankEnd& end, absl::Time now) {
  return db.Run(
      "UPDATE placements SET ended = ?, outcome = ?, step = ?, failure = ? "
      "WHERE job = ? AND g = ? AND rank = ? AND ended = 0",
      now, end.outcome, end.step, Blob{end.failure.SerializeAsString()}, job_id, generation, rank);
}

absl::Status EndGeneration(Database& db, const std::string& job_id, int64_t generation,
                           const GenerationEnd& end, absl::Time now) {
  return db.Run(
      "UPDATE generations SET outcome = ?, class = ?, steps = ?, productive_s = ?, ended = ? "
      "WHERE job = ? AND g = ?",
      end.outcome, end.failure_class, end.steps, end.productive_s, now, job_id, generation);
}

absl::Status RecordFirstStep(Database& db, const std::string& job_id, int64_t generation,
                             absl::Time now) {
  return db.Run("UPDATE generations SET first_step = ? WHERE job = ? AND g = ?", now, job_id,
                generation);
}

absl::StatusOr<double> FaultInterval(Database& db, const std::string& job_id, int nodes,
                                     absl::Time now) {
  constexpr double kNodeSecondsAFault = 250.0 * 24 * 3600;
  Statement rows = db.Query("SELECT class, started, ended FROM generations WHERE job = ?", job_id);
  double faults = 1, seconds = kNodeSecondsAFault / std::max(nodes, 1);
  while (rows.Next()) {
    const bool ended = rows.Int(2) != 0;
    const int64_t failure = rows.Int(0);
    const bool fault = failure != v1::FAILURE_CLASS_UNSPECIFIED &&
                       failure != v1::FAILURE_CLASS_USER &&
                       failure != v1::FAILURE_CLASS_COORDINATOR;
    faults += ended && fault ? 1 : 0;
    seconds += absl::ToDoubleSeconds((ended ? rows.Time(2) : now) - rows.Time(1));
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return seconds / faults;
}

absl::StatusOr<std::map<std::string, std::vector<Occupied>>> OccupiedSlots(Database& db) {
  Statement rows = db.Query("SELECT node, job, gpu FROM placements WHERE ended = 0");
  std::map<std::string, std::vector<Occupied>> occupied;
  while (rows.Next()) {
    occupied[rows.Text(0)].push_back({rows.Text(1), static_cast<int>(rows.Int(2))});
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return occupied;
}

}  // namespace ocellus::coordinator
