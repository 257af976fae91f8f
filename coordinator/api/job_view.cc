#include "coordinator/api/job_view.h"

#include "coordinator/base/status_macros.h"
#include "coordinator/state/artifacts.h"
#include "coordinator/state/checkpoints.h"
#include "coordinator/state/events.h"
#include "worker/store/store_uri.h"

namespace ocellus::coordinator {

absl::StatusOr<v1::Job> ViewJob(Database& db, const JobRow& row, const LiveGangs& live,
                                const std::string& store_uri, Detail detail) {
  v1::Job job;
  job.set_id(row.id);
  *job.mutable_spec() = row.spec;
  if (detail == Detail::kFull) {
    job.set_resolved_json(row.resolved_json);
  } else {
    job.mutable_spec()->clear_training_json();
  }
  job.set_state(row.state);
  job.set_reason(row.reason);
  job.set_message(row.message);
  *job.mutable_since() = ToProto(row.since);
  job.set_generation(row.generation);
  job.set_etag(row.etag());
  *job.mutable_create_time() = ToProto(row.created);
  if (row.ended != absl::InfinitePast()) {
    *job.mutable_end_time() = ToProto(row.ended);
  }
  job.set_parent(row.parent);
  if (const auto gang = live.Get(row.id, row.generation);
      gang.has_value() && gang->progress.has_value()) {
    *job.mutable_progress() = *gang->progress;
  }
  if (row.last_failure.has_value()) {
    *job.mutable_last_failure() = *row.last_failure;
  }
  OCELLUS_ASSIGN_OR_RETURN(const auto commits, RestoreList(db, row.id));
  if (!commits.empty()) {
    *job.mutable_last_commit() = ToProto(commits.front(), store_uri);
  }
  OCELLUS_ASSIGN_OR_RETURN(const auto artifacts, ReadArtifacts(db, row.id));
  for (const auto& [kind, key] : artifacts) {
    (*job.mutable_artifacts())[kind] = store::UriOf(store_uri, key);
  }
  return job;
}

absl::StatusOr<std::set<std::string>> VisibleHolders(
    Database& db, const Caller& caller,
    const std::map<std::string, std::vector<Occupied>>& occupied) {
  std::set<std::string> holders;
  for (const auto& [node, slots] : occupied) {
    for (const Occupied& slot : slots) holders.insert(slot.job_id);
  }
  if (caller.Has(v1::ROLE_VIEWER, kEveryProject)) return holders;
  for (auto holder = holders.begin(); holder != holders.end();) {
    OCELLUS_ASSIGN_OR_RETURN(const JobRow job, ReadJob(db, *holder));
    const bool visible = caller.Has(v1::ROLE_VIEWER, job.spec.project());
    holder = visible ? std::next(holder) : holders.erase(holder);
  }
  return holders;
}

}  // namespace ocellus::coordinator
